"""One run of a flow file, timed inside the process after the imports.

python benchmarks/inside.py FLOW ENGINE
"""

from __future__ import annotations

import sys
from time import perf_counter

import wdprefect
from wdprefect.execution import flow_run

if __name__ == "__main__":
    engine = sys.argv[2]
    modules = [flow_run]
    if engine == "prefect":
        # The imports are not timed; `import prefect` alone imports next to nothing.
        import prefect.main

        from wdprefect.on_prefect import local_api, run

        modules += [prefect.main, local_api, run]
    flow = wdprefect.load(sys.argv[1])
    began = perf_counter()
    execution = wdprefect.run(flow, engine=engine)  # type: ignore[arg-type]  # a word of the command line
    print(f"inside {perf_counter() - began:.3f}")
    assert execution.state == "SUCCESS", execution.error
