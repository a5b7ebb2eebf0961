"""What a person would write by hand for the same steps: an async Prefect flow with one task per step.

python benchmarks/handwritten.py STEPS COMMAND    prints the seconds inside the process, after the imports
python benchmarks/handwritten.py 0                the empty flow
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import prefect


@prefect.task
async def step(command: str) -> None:
    """Run one command."""
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", command)
    if await process.wait():
        raise RuntimeError(command)


@prefect.flow
async def steps(count: int, command: str) -> None:
    """Run the steps one after the other."""
    for _ in range(count):
        await step(command)


if __name__ == "__main__":
    began = perf_counter()
    asyncio.run(steps(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "true"))
    print(f"inside {perf_counter() - began:.3f}")
