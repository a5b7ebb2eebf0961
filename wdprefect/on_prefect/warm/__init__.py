"""The warm runner: runs that start in a tenth of a second, because everything is imported and loaded already.

`runner` is the side of whoever wants runs. It starts the `template`, a process that has imported Prefect, holds the
flows as Prefect flows, and waits. For each run the template forks a child, which takes the run from the Prefect API and
executes it as a worker's process would.

Nobody's worker owns such a run. So the child watches its state in the API, and its owner: the template holds a pipe
open that closes when the template ends, and the template ends when the runner's process does.
"""
