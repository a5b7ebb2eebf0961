"""The program of the process in which a jq program runs that may not end: see `jq_program`.

It reads a request (see there) and prints a line per result, then why there are no more: `{}`, `{"error": …}` or
`{"bound": …}`. Nothing is imported from this package: it starts in 25 ms, most of it Python's own.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Do what standard input says. The only argument is the folder of the jq library."""
    sys.path.append(sys.argv[1])
    request = json.load(sys.stdin)
    bounds = request["bounds"]
    _limit_memory(bounds["memory_bytes"])
    import jq  # after the path is set

    values, characters = 0, 0
    try:
        for found in jq.compile(request["program"]).input_text(request["input"]):
            values, characters = values + 1, characters + len(found)
            if values > bounds["values"] or characters > bounds["characters"]:
                _end(bound="values" if values > bounds["values"] else "characters")
                return
            sys.stdout.write(found + "\n")
    except ValueError as error:
        _end(error=str(error))
    except MemoryError:
        _end(bound="memory")
    else:
        _end()


def _end(**reason: str) -> None:
    sys.stdout.write(json.dumps(reason) + "\n")


def _limit_memory(size_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
        # A program that is out of memory aborts; its memory is not worth a file.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):  # macOS refuses some limits
        return


if __name__ == "__main__":
    main()
