"""The template's program: `python -m wdprefect.on_prefect.warm FD`; see `template`."""

from __future__ import annotations

import atexit
import os
import sys


class _Leaving:
    """Ends the process once everything else that is to happen at its end has.

    To take apart all that the template has imported costs a run as much as a fifth of itself, and makes its own copy of
    the memory that it shared until then.
    """

    code = 1

    def __call__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)


def main() -> None:
    """Load and serve; in a child, execute a run."""
    leaving = _Leaving()
    # The first one to be registered is called last. Hence before anything is imported that registers its own.
    atexit.register(leaving)
    from wdprefect.on_prefect.warm.template import serve

    leaving.code = serve(int(sys.argv[1]))


if __name__ == "__main__":
    main()
