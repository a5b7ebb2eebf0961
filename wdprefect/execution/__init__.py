"""One run, whoever executes it: the walk over the tasks, their states, the ledger, the local engine."""
