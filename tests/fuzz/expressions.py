"""Coverage-guided search for a text that ends in something else than a result or an ExpressionError.

    python tests/fuzz/expressions.py --seconds 60

Starts from the templates of the tests. Exits with 0 when nothing was found in the time, or where atheris is not
installed; a finding is printed with its traceback, and belongs into test_properties.py as an example.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What these try takes seconds on purpose.
SLOW = ("test_limits.py", "test_regexes.py", "test_jq.py", "test_http.py")
LONGEST = 400
SIGNS = (
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{{-",
    "-}}",
    "#{",
    "..",
    "??",
    "???",
    "~",
    "==",
    "!=",
    ">=",
    "|",
    "?",
    ":",
)


def main() -> int:
    """Fuzz for the seconds that are asked for, in a process of its own, for the fuzzer never returns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    # The same way each time, so that a change is blamed for what it brought alone; another number looks elsewhere.
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        fuzz(asked.folder, asked.seconds, asked.seed)
    if not importlib.util.find_spec("atheris"):
        print("expressions: atheris is not installed here, not fuzzed")
        return 0
    with tempfile.TemporaryDirectory(prefix="wdprefect-fuzz-") as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(sorted(set(seeds()))):
            (corpus / f"seed-{number}").write_text(seed, encoding="utf-8")
        command = [sys.executable, __file__, "--seconds", str(asked.seconds), "--seed", str(asked.seed)]
        command += ["--folder", folder]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def seeds() -> Iterator[str]:
    """Every text of the tests that holds a template, or is the inside of one."""
    for path in sorted(ROOT.glob("tests/expressions/test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.name not in SLOW else ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < LONGEST:
                yield node.value if "{{" in node.value or "{%" in node.value else f"{{{{ {node.value} }}}}"


def fuzz(folder: Path, seconds: int, seed: int) -> None:
    """Run libFuzzer, which ends the process."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # it is not everywhere, and has no types

    sys.path.insert(0, str(ROOT))
    with atheris.instrument_imports(include=["wdprefect.expressions"]):
        from tests.expressions.templates import VARIABLES
        from wdprefect.errors import ExpressionError
        from wdprefect.expressions import Expressions, check_syntax, references

        # What runs templates is imported when the first one is run, and has to be instrumented too.
        Expressions().render("{{ '2024-03-01' | date('EEEE', locale='fr') | regexReplace('a', 'b') }}", {})
        from wdprefect.expressions.filters import FILTERS
        from wdprefect.expressions.functions import FUNCTIONS
        from wdprefect.expressions.grammar import OPERATORS
        from wdprefect.expressions.parser import Parser

    def attempt(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        for action in (check_syntax, references, lambda each: Expressions().evaluate(each, VARIABLES)):
            try:
                action(text)
            except ExpressionError as error:
                lines = text.count("\n") + text.count("\r") + 1
                if not (error.message and 1 <= error.line <= lines and 1 <= error.column <= len(text) + 1):
                    raise AssertionError(f"the place {error.line}:{error.column} is not in {text!r}") from error
            except BaseException:
                print(f"\nexpressions: found {text!r}", file=sys.stderr)
                raise

    words = folder / "words"
    every = [
        *SIGNS,
        *Parser.STATEMENTS,
        *(word for each in OPERATORS for word in each.words),
        *(f"| {name}" for name in FILTERS),
        *(f"{name}(" for name in FUNCTIONS),
        *VARIABLES,
    ]
    words.write_text("".join(f'"{word}"\n' for word in every), encoding="utf-8")
    options = [
        f"-seed={seed}",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=100",
        "-rss_limit_mb=4096",
    ]
    quiet = ["-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], str(folder / "corpus"), f"-dict={words}", *options, *quiet], attempt)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
