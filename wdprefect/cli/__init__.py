"""The command line: parse arguments, call one function, print, exit code."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from wdprefect import __version__
from wdprefect.errors import EXIT_INTERRUPTED, EXIT_SURROUNDINGS, Abandoned, InvalidFlow, WdprefectError

# One module each, imported when its command is given.
COMMANDS = {
    "validate": "check flows without running them",
    "run": "run a flow",
    "render": "render a template, and show how",
    "listen": "start flows with objects that arrive in buckets",
    "trigger": "show how triggers do and what became of objects, run with one again, or try one",
    "files": "list or get the files of a run",
    "namespace": "list, copy or compare the files of a namespace",
    "storage": "check whether a storage does what runs want of it",
    "types": "list the types that flows may use",
    "schema": "print a JSON Schema of flows, for editors",
    "server": "look at or end the local Prefect server that 'run' started",
}

# A full disk, and what may not be written, show up wherever a file is opened.
_SURROUNDINGS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})

# What Python's garbage collector waits for: new objects, young and middle collections. By its defaults it looks through
# the modules that a command imports again and again, which takes up to a tenth of a short one.
_GARBAGE_THRESHOLDS = (50_000, 20, 50)


def entry() -> NoReturn:
    """Run the command of this process, and end it with its exit code."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    code = main()
    # Python looks through all objects for garbage once more before it ends, which takes a sixth of a short command.
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 success or warning, 1 failed or invalid, 2 usage, 3 surroundings unreachable, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.platform == "win32":
        print("wdprefect: Windows is not supported, since commands run in POSIX sessions; use WSL", file=sys.stderr)
        return EXIT_SURROUNDINGS
    parser = argparse.ArgumentParser(prog="wdprefect", description="Run Kestra-style YAML flows on Prefect.")
    parser.add_argument("--version", action="version", version=f"wdprefect {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == chosen:
            import_module(f"wdprefect.cli.{name}").add_arguments(command)
    args = parser.parse_args(arguments)
    return _executed(args)


def _executed(args: argparse.Namespace) -> int:
    try:
        return int(import_module(f"wdprefect.cli.{args.command}").execute(args))
    except Abandoned:
        print("wdprefect: interrupted again, ended at once", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        # No clearing up, which would wait for what was abandoned; the guard of our processes sees to it.
        os._exit(EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        print("wdprefect: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.stderr.close()
        return 0
    except InvalidFlow as error:
        # Each line starts with a place in a file, as those of `validate` do.
        print(error, file=sys.stderr)
        return error.exit_code
    except WdprefectError as error:
        print(f"wdprefect: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in _SURROUNDINGS:
            raise
        print(f"wdprefect: {error}", file=sys.stderr)
        return EXIT_SURROUNDINGS
