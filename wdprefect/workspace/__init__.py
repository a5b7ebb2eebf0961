"""The working directory of a task: its files in and out, and the running of commands in it."""
