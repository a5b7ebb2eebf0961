"""jq programs: cut off from the process, whose environment holds secrets, and bounded.

jq runs in C and cannot be interrupted, so what may take long runs in a process of its own, which is ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.jq_effort import is_little
from wdprefect.expressions.limits import JQ_BYTES, JQ_SECONDS, OUTPUT_CHARACTERS, RANGE_ITEMS, too_much
from wdprefect.expressions.values import to_json

# The program runs where these names hide jq's own. Closing its parenthesis early does not lead out of their reach.
# Results leave as JSON text: jq's own numbers would lose the digits of large ones, and 1.0 would be 1.
_BEFORE = """
def env: {}; def input: empty; def inputs: empty; def debug: .; def debug(f): .; def stderr: .; def halt: .;
def halt_error: error; def halt_error(f): error; def input_filename: null; def input_line_number: 0;
def modulemeta: null; def get_search_list: [];
{} as $ENV | .[0] | (
"""
_AFTER = "\n) | tojson"
_CHILD = Path(__file__).with_name("jq_child.py")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may take and give; seconds and bytes of memory are those of a process of its own."""

    seconds: float = JQ_SECONDS
    memory_bytes: int = JQ_BYTES
    characters: int = OUTPUT_CHARACTERS
    values: int = RANGE_ITEMS

    def passed(self, bound: str) -> ExpressionError:
        """The error where one of them is passed."""
        words = {
            "seconds": f"takes longer than {self.seconds:g} seconds",
            "memory": f"needs more than {self.memory_bytes // 2**20} MB of memory",
            "characters": f"gives more than {self.characters:,} characters",
            "values": f"gives more than {self.values:,} values",
        }
        return too_much(f"the jq program {words[bound]}")


BOUNDS = Bounds()


def run(program: str, value: Any, bounds: Bounds = BOUNDS) -> list[Any]:
    """All outputs of the program; a text as its input is read as JSON. Raises ExpressionError."""
    # The list around the input keeps a number or text from being the program's whole input.
    document = f"[{_checked(value)}]" if isinstance(value, str) else to_json([value])
    whole = f"{_BEFORE}{program}{_AFTER}"
    found = _here(whole, document) if is_little(program, document) else _apart(whole, document, bounds)
    return [json.loads(each) for each in found]


def _checked(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise ExpressionError(f"the text is no JSON: {error}") from error
    return text


def _here(program: str, document: str) -> list[str]:
    try:
        return list(_compiled(program).input_text(document))
    except ValueError as error:
        raise _error(str(error)) from error


@lru_cache(maxsize=256)
def _compiled(program: str) -> Any:
    # Deferred: it loads a C library, and compiling takes milliseconds; most flows use no jq.
    import jq

    return jq.compile(program)


def _apart(program: str, document: str, bounds: Bounds) -> list[str]:
    request = {"program": program, "input": document, "bounds": asdict(bounds)}
    try:
        # No environment, no site-packages, no working directory of ours.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", str(_CHILD), str(_library())],
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            cwd="/",
            env={},
            timeout=bounds.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise bounds.passed("seconds") from None
    *found, last = done.stdout.split("\n")[:-1] or [""]
    end = json.loads(last) if done.returncode == 0 else {"bound": "memory"}  # libjq aborts where it has no more
    if "bound" in end:
        raise bounds.passed(end["bound"])
    if "error" in end:
        raise _error(end["error"])
    return found


@lru_cache(maxsize=1)
def _library() -> Path:
    # Deferred: 2 ms, for the programs that need a process.
    from importlib.util import find_spec

    found = find_spec("jq")
    assert found is not None, "a dependency of this package"
    assert found.origin is not None, "a module with a file"
    return Path(found.origin).parent


def _error(message: str) -> ExpressionError:
    """The message of jq without its frame: `jq: error: foo/0 is not defined at <top-level>, line 6, column 1: …`."""
    first = message.split("\n", 1)[0].removeprefix("jq: error: ")
    return ExpressionError(first.split(" at <top-level>")[0])
