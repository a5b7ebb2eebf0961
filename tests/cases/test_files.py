"""`inputFiles` of a WorkingDirectory, and LocalFiles in it: what is in the directory before the first command."""

from __future__ import annotations

from typing import Any

import pytest

from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks
from wdprefect.api import run
from wdprefect.execution.execution import Execution

SOURCE = f"""
- id: source
  type: {SCRIPTS}.shell.Commands
  outputFiles: ["out/**"]
  commands: ["mkdir out; printf 'a,b\\\\r\\\\n1,\\\\377' > out/a.csv; printf b > out/b.txt"]
"""
CONTENT = b"a,b\r\n1,\xff"
URI = "{{ outputs.source.outputFiles['out/a.csv'] }}"


def given(input_files: str, **options: Any) -> Execution:
    """A run in which a directory with these files shows all that it holds."""
    tasks = f"""{SOURCE}
- id: shared
  type: {CORE}.flow.WorkingDirectory
  inputFiles: {input_files}
  tasks: [{{id: all, type: {CORE}.storage.LocalFiles, outputs: ["**"]}}]
"""
    inputs = "- {id: name, type: STRING, defaults: report}"
    return run(flow_of(tasks, inputs=inputs), engine="local", **options)


@pytest.mark.parametrize(
    ("input_files", "expected"),
    [
        pytest.param("{a.txt: Hello World}", {"a.txt": b"Hello World"}, id="a text as it is"),
        pytest.param(f'{{a.csv: "{URI}"}}', {"a.csv": CONTENT}, id="a stored file, byte by byte"),
        pytest.param(f'{{a.csv: "{URI}\\n"}}', {"a.csv": CONTENT}, id="a stored file with a line end behind its URI"),
        pytest.param('"{{ outputs.source.outputFiles }}"', {"out/a.csv": CONTENT, "out/b.txt": b"b"}, id="all files"),
        pytest.param('{t: "{% raw %}{{ left }}{% endraw %}"}', {"t": b"{{ left }}"}, id="raw"),
        pytest.param("{p/q/r/deep.txt: x}", {"p/q/r/deep.txt": b"x"}, id="folders are made"),
        pytest.param('{"{{ inputs.name }}.txt": x}', {"report.txt": b"x"}, id="a name that is rendered"),
        pytest.param("{a.txt: null, b.txt: x}", {"b.txt": b"x"}, id="nothing is left out"),
        pytest.param("{n.txt: 42}", {"n.txt": b"42"}, id="a number"),
    ],
)
def test_input_files(input_files: str, expected: dict[str, bytes]) -> None:
    """The files of a directory are texts, stored files, or all that another task stored."""
    execution = given(input_files)

    uris = execution.task_outputs["all"]["uris"]
    assert expected == {name: execution.read(uri) for name, uri in uris.items()}
    assert [] == [uri for name, uri in uris.items() if not uri.endswith(name.rsplit("/", 1)[-1])]


def test_first_file_of_a_trigger() -> None:
    """The first of the files that a trigger found can be brought in under a name of one's own."""
    first = run_tasks(SOURCE)
    uris = [first.task_outputs["source"]["outputFiles"][name] for name in ("out/a.csv", "out/b.txt")]
    trigger = {"objects": [{"uri": uri, "key": f"raw/{number}"} for number, uri in enumerate(uris)]}

    execution = given("""{data.csv: "{{ trigger.objects | jq('.[].uri') | first }}"}""", trigger=trigger)

    assert CONTENT == execution.read(execution.task_outputs["all"]["uris"]["data.csv"])


def test_files_of_a_child_replace_those_of_the_directory() -> None:
    """A file that a child brings in takes the place of the directory's."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{f.txt: the first and longer one}}
          tasks:
            - {{id: a, type: {SCRIPTS}.shell.Commands, inputFiles: {{f.txt: second}}, commands: ["cat f.txt"]}}
        """)

    assert ["second"] == messages(execution, "a")


def test_local_files_of_nothing() -> None:
    """LocalFiles without `inputs` and `outputs` does nothing, and delivers no file."""
    execution = run_tasks(f"- {{id: a, type: {CORE}.storage.LocalFiles}}")

    assert ("SUCCESS", {"uris": {}}) == (execution.state, execution.task_outputs["a"])


def test_patterns_of_one_folder() -> None:
    """LocalFiles takes what lies in the directory itself by `*`, whoever made it, and nothing from folders below."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{data.csv: "a,b"}}
          tasks:
            - id: makes
              type: {SCRIPTS}.shell.Commands
              commands: ["touch clean.csv t.parquet n.txt 'my report.csv'", "mkdir d; touch d/x.csv"]
            - {{id: takes, type: {CORE}.storage.LocalFiles, outputs: ["*.csv", "*.parquet"]}}
        """)

    assert ["clean.csv", "data.csv", "my report.csv", "t.parquet"] == list(execution.task_outputs["takes"]["uris"])
