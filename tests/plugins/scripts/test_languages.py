"""Scripts in other languages: what runs them, and what they find beside them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.plugins.scripts.programs import skip_without
from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from wdprefect.execution.execution import Execution
from wdprefect.plugins.scripts._language import GO, NODE, PYTHON, RUBY, SHELL, Language, R


def script(language: str, text: str, more: str = "") -> str:
    """A task `a` with this script."""
    lines = textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")
    return f"- id: a\n  type: {SCRIPTS}.{language}.Script\n{textwrap.indent(more, '  ')}\n  script: |\n{lines}\n"


@pytest.mark.parametrize(
    ("language", "image", "interpreter"),
    [
        pytest.param(SHELL, "ubuntu", ("/bin/sh", "-c"), id="shell"),
        pytest.param(PYTHON, "python:3.13-slim", ("/bin/sh", "-c"), id="python"),
        pytest.param(NODE, "node", ("/bin/sh", "-c"), id="node"),
        pytest.param(R, "r-base", ("/bin/sh", "-c"), id="r"),
        pytest.param(RUBY, "ruby", ("/bin/sh", "-c"), id="ruby"),
        pytest.param(GO, "golang", ("/bin/sh", "-c"), id="go"),
    ],
)
def test_rows(language: Language, image: str, interpreter: tuple[str, ...]) -> None:
    """Images and interpreters of the languages are those of Kestra."""
    assert (image, interpreter) == (language.image, language.interpreter)


# Stands for the program of a language: says what it is called with, and what its file holds.
STAND_IN = """\
#!/bin/sh
program=$(basename "$0")
for part; do
  case $part in
    "$PWD"/*) echo "$program: no file $(basename "$part") here: $(test -e "$part" || echo true)" ;;
    */launch.*) echo "$program: launch" ;;
    /*) echo "$program: $(basename "$part"): $(cat "$part")" ;;
    *) echo "$program: $part" ;;
  esac
done
"""


@pytest.mark.parametrize(
    ("language", "program", "expected"),
    [
        pytest.param("r", "Rscript", ["script.R: print(1)"], id="r"),
        pytest.param("ruby", "ruby", ["launch", "script.rb: print(1)", "no file script.rb here: true"], id="ruby"),
        pytest.param("node", "node", ["launch", "script.js: print(1)", "no file script.js here: true"], id="node"),
        pytest.param("go", "go", ["run", "-overlay", "launch", "no file script.go here: true"], id="go"),
    ],
)
def test_program(
    language: str, program: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script is a file outside of the working directory, which the program of its language is given."""
    stand_in = tmp_path / program
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    execution = run_tasks(script(language, "print(1)"))

    assert ("SUCCESS", [f"{program}: {line}" for line in expected]) == (execution.state, messages(execution, "a"))


@pytest.mark.parametrize("language", ["r", "ruby", "node", "go", "python"])
def test_missing_program(language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no program for a language, the task fails with what the shell says of it."""
    commands = run_tasks(
        f"- {{id: a, type: {SCRIPTS}.{language}.Commands, env: {{PATH: '{tmp_path}'}}, commands: [no-such-program]}}"
    )

    assert ("FAILED", 127) == (commands.state, commands.task_outputs["a"]["exitCode"])
    assert commands.error is not None
    assert "no-such-program: not found" in commands.error


def node(text: str, more: str = "") -> Execution:
    """The execution of a Node.js script."""
    skip_without(NODE)
    return run_tasks(script("node", text, more))


FILES = (
    "inputFiles:\n  near.js: 'module.exports = { x: 41 };'\n  far.mjs: export const y = 5;\n"
    "  node_modules/dep/index.js: module.exports = () => 'dep';\n  data.json: '{\"n\": 1}'"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("console.log(1 + 1)", ["2"], id="a line"),
        pytest.param("console.log(require('./near').x, require('./data.json').n)", ["41 1"], id="require of a file"),
        pytest.param("console.log(require('dep')())", ["dep"], id="require of a package"),
        pytest.param("import('./far.mjs').then((far) => console.log(far.y))", ["5"], id="import as a function"),
        pytest.param("import { y } from './far.mjs';\nconsole.log(y)", ["5"], id="a module"),
        pytest.param("import dep from 'dep';\nconsole.log(dep())", ["dep"], id="a module with a package"),
        pytest.param("console.log(await Promise.resolve(3))", ["3"], id="await at the top"),
        pytest.param("console.log(require.main === module, __dirname === process.cwd())", ["true true"], id="main"),
        pytest.param(
            "console.log(process.argv.length, require('path').basename(__filename))", ["2 script.js"], id="argv"
        ),
        pytest.param("#!/usr/bin/env node\nconsole.log('ü')", ["ü"], id="a first line for the system"),
        pytest.param(
            "console.log(require('fs').readdirSync('.').includes('script.js'))", ["false"], id="no file of ours"
        ),
    ],
)
def test_node(text: str, expected: list[str]) -> None:
    """A Node.js script runs as though it lay in the working directory."""
    execution = node(text, FILES)

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a", "INFO"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("let x = 1;\n\nthrow new Error('no good')", "script.js:3", id="an error"),
        pytest.param("let x = (;", "script.js:1", id="no JavaScript"),
        pytest.param("import fs from 'fs';\nthrow new Error('no good')", "script.js:2", id="in a module"),
        pytest.param("JSON.parse('{')", "script.js:1", id="an error of the kind that a wrong script is"),
    ],
)
def test_node_errors(text: str, expected: str) -> None:
    """An error names the line of the script, and fails the task."""
    execution = node(text)

    assert ("FAILED", 1) == (execution.state, execution.task_outputs["a"]["exitCode"])
    assert any(expected in line for line in messages(execution, "a", "ERROR"))


GO_FILES = (
    "inputFiles:\n  go.mod: 'module acme'\n  near/near.go: 'package near; const X = 41'\n  hello.txt: hello\n"
    "env: {GOFLAGS: -mod=mod, GOTOOLCHAIN: local}"
)


def test_go() -> None:
    """A Go program imports packages of the working directory's module, embeds its files, and leaves nothing there."""
    skip_without(GO)
    execution = run_tasks(
        script(
            "go",
            """
            package main

            import (
                _ "embed"
                "fmt"
                "os"

                "acme/near"
            )

            //go:embed hello.txt
            var hello string

            func main() {
                entries, _ := os.ReadDir(".")
                fmt.Println(near.X, hello, len(entries))
            }
            """,
            GO_FILES,
        )
    )

    assert ("SUCCESS", ["41 hello 3"]) == (execution.state, messages(execution, "a", "INFO"))


def test_ruby() -> None:
    """A Ruby script finds files of the working directory, is the main program, and has the data behind its end."""
    skip_without(RUBY)
    text = """
        # frozen_string_literal: true
        require_relative "near"
        puts X, __FILE__ == $0, __dir__ == Dir.pwd, ARGV.size, local_variables.inspect, DATA.read
        __END__
        data
        """

    execution = run_tasks(script("ruby", text, "inputFiles: {near.rb: 'X = 41'}"))

    assert ("SUCCESS", ["41", "true", "true", "0", "[]", "data"]) == (execution.state, messages(execution, "a", "INFO"))


def test_ruby_errors() -> None:
    """An error of a Ruby script names its line."""
    skip_without(RUBY)
    execution = run_tasks(script("ruby", "x = 1\n\nraise 'no good'"))

    assert ("FAILED", 1) == (execution.state, execution.task_outputs["a"]["exitCode"])
    assert any("script.rb:3" in line for line in messages(execution, "a", "ERROR"))


def test_r() -> None:
    """An R script reads files of the working directory."""
    skip_without(R)
    execution = run_tasks(script("r", "source('near.R')\ncat(x, '\\n')", "inputFiles: {near.R: 'x <- 41'}"))

    assert ("SUCCESS", ["41 "]) == (execution.state, messages(execution, "a", "INFO"))


def test_python_elsewhere() -> None:
    """Imports come from the working directory, wherever beforeCommands went."""
    more = "inputFiles: {near.py: X = 41}\nbeforeCommands: [cd /]"

    execution = run_tasks(script("python", "import near, os; print(near.X, os.getcwd())", more))

    assert ["41 /"] == messages(execution, "a", "INFO")


@pytest.mark.parametrize("language", ["python", "node", "ruby", "r", "shell"])
def test_nothing_stays(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows in a shared directory finds nothing of a script."""
    for program in ("node", "ruby", "Rscript"):
        (tmp_path / program).write_text("#!/bin/sh\necho ran\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: a, type: {SCRIPTS}.{language}.Script, script: "{"print(1)" if language == "python" else "echo 1"}"}}
            - {{id: b, type: {SCRIPTS}.shell.Commands, commands: ["ls -A"]}}
        """)

    assert {"shared": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS"} == states(execution)
    assert [] == messages(execution, "b")


def test_paths_with_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory may have any name."""
    root = tmp_path / 'it\'s a "place" ü'
    monkeypatch.setenv("WDPREFECT_DIRECTORY", str(root))

    execution = run_tasks(script("python", "print(1)"))

    assert ("SUCCESS", ["1"]) == (execution.state, messages(execution, "a"))


def test_launcher_of_go() -> None:
    """What Go is told of a script is JSON, whatever its path."""
    assert {"Replace": {"<p>": "<s>"}} == json.loads(
        GO.launcher.replace("<place>", '"<p>"').replace("<script>", '"<s>"')
    )
