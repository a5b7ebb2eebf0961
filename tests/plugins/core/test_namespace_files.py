"""`namespaceFiles` and `nsfile://` in flows, on the local engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from wdprefect.storage import open_storage
from wdprefect.storage.uris import namespace_uri

LIST = 'for f in $(find . -type f | sort); do echo "$f=$(cat $f)"; done'
LOOK = f"{{id: look, type: {SCRIPTS}.shell.Commands, commands: ['{LIST}']}}"
CLOCK = re.compile(r"00:00:\d\d\.\d{3}")


def directory(properties: str, *tasks: str) -> str:
    """A WorkingDirectory with properties, and tasks in YAML's flow style."""
    children = "".join(f"\n    - {task}" for task in tasks)
    return f"- id: w\n  type: {CORE}.flow.WorkingDirectory\n  {properties}\n  tasks:{children}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of the namespaces `team` and `other.one`."""
    files = {
        "team/helpers.py": "VALUE = 7\n",
        "team/package/__init__.py": "",
        "team/package/inner.py": "from helpers import VALUE\n",
        "team/conf.txt": "ns",
        "other.one/x.yml": "x: 1",
        "other.one/conf.txt": "other",
    }
    for name, text in files.items():
        (tmp_path / "namespaces" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "namespaces" / name).write_text(text)
    return tmp_path / "namespaces"


@pytest.fixture(params=["folder", "storage"])
def options(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> dict[str, Any]:
    """What a run is given to find the files in a folder, or in its storage."""
    storage = (tmp_path / "storage").as_uri()
    if request.param == "folder":
        return {"namespace_files": folder, "storage": storage}
    for namespace in ("team", "other.one"):
        for path in (folder / namespace).rglob("*.*"):
            uri = namespace_uri(namespace, path.relative_to(folder / namespace).as_posix())
            open_storage(storage).put(uri, path)
    return {"storage": storage}


def test_all_files(options: dict[str, Any]) -> None:
    """An empty map brings all files of the flow's namespace, in their folders, and a line says so."""
    execution = run_tasks(directory("namespaceFiles: {}", LOOK), **options)

    names = [line.split("=")[0] for line in messages(execution, "look") if line.startswith("./")]
    assert ["./conf.txt", "./helpers.py", "./package/__init__.py", "./package/inner.py"] == names
    (line,) = messages(execution, "w")
    assert "Loaded 4 namespace files from 'team' in T" == CLOCK.sub("T", line)


def test_metrics(options: dict[str, Any]) -> None:
    """How many files were wanted and how long they took are metrics of the task."""
    execution = run_tasks(directory("namespaceFiles: {namespaces: [team, other.one]}", LOOK), **options)

    count, duration = execution.task_runs[0].metrics
    assert ("counter", "namespacefiles.count", 6) == (count.kind, count.name, count.value)
    assert ("timer", "namespacefiles.duration", True) == (duration.kind, duration.name, 0 < duration.value < 60)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        pytest.param("python.Script, script: 'import helpers; print(helpers.VALUE)'", ["7"], id="a module"),
        pytest.param("python.Script, script: 'from package.inner import VALUE; print(VALUE)'", ["7"], id="a package"),
        pytest.param("python.Commands, commands: [python3 -c 'import helpers as h; print(h.VALUE)']", ["7"], id="-c"),
    ],
)
def test_imports(options: dict[str, Any], task: str, expected: list[str]) -> None:
    """A Python program in the directory imports modules that are namespace files."""
    execution = run_tasks(directory("namespaceFiles: {}", f"{{id: p, type: {SCRIPTS}.{task}}}"), **options)

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "p", "INFO"))


def test_input_files_win(options: dict[str, Any]) -> None:
    """Of two files of one name that of inputFiles comes."""
    properties = "namespaceFiles: {include: [conf.txt]}\n  inputFiles: {conf.txt: input}"
    execution = run_tasks(directory(properties, LOOK), **options)

    assert ["./conf.txt=input"] == messages(execution, "look")


def test_not_enabled(options: dict[str, Any]) -> None:
    """No file comes into a directory whose `namespaceFiles` are not enabled."""
    execution = run_tasks(directory("namespaceFiles: {enabled: false}", LOOK), **options)

    assert ("SUCCESS", []) == (execution.state, messages(execution))


@pytest.mark.parametrize(
    ("properties", "state", "expected"),
    [
        pytest.param("", "SUCCESS", "ns", id="OVERWRITE is the default"),
        pytest.param("ifExists: IGNORE", "SUCCESS", "wd", id="IGNORE"),
        pytest.param("ifExists: WARN", "SUCCESS", "wd", id="WARN"),
        pytest.param('ifExists: \'{{ "IGNO" ~ "RE" }}\'', "SUCCESS", "wd", id="rendered"),
        pytest.param("ifExists: FAIL", "FAILED", None, id="FAIL"),
        pytest.param("enabled: false", "SUCCESS", "wd", id="not enabled"),
        pytest.param("enabled: '{{ 1 == 2 }}'", "SUCCESS", "wd", id="not enabled, rendered"),
        pytest.param("include: '{{ [\"none\"] }}'", "SUCCESS", "wd", id="a rendered list"),
        pytest.param("namespaces: ['{{ flow.namespace }}', other.one]", "SUCCESS", "other", id="the later namespace"),
        pytest.param("folderPerNamespace: true", "SUCCESS", "wd", id="a folder of its own"),
    ],
)
def test_child(options: dict[str, Any], properties: str, state: str, expected: str | None) -> None:
    """A script task brings namespace files into the directory that it shares, as it says."""
    task = f"{{id: a, type: {SCRIPTS}.shell.Commands, namespaceFiles: {{{properties}}}, commands: ['cat conf.txt']}}"
    execution = run_tasks(directory("inputFiles: {conf.txt: wd}", task), **options)

    lines = [line for line in messages(execution, "a", "INFO") if not line.startswith("Loaded")]
    assert (state, [expected] if expected else []) == (states(execution)["a"], lines)


def test_warning_is_seen(options: dict[str, Any]) -> None:
    """The warning of an existing file stands in the log of the task that kept it."""
    task = f"{{id: a, type: {SCRIPTS}.shell.Commands, namespaceFiles: {{ifExists: WARN}}, commands: []}}"
    execution = run_tasks(directory("inputFiles: {conf.txt: wd}", task), **options)

    expected = "the file 'conf.txt' is there, and stays: that of the namespace 'team' is not taken"
    assert [expected] == messages(execution, "a", "WARN")


def test_before_the_first_task(options: dict[str, Any]) -> None:
    """Files that cannot come fail the directory before its first task."""
    properties = "namespaceFiles: {namespaces: [team, other.one], ifExists: FAIL}"
    execution = run_tasks(directory(properties, LOOK), **options)

    assert {"w": "FAILED"} == states(execution)
    expected = "task 'w': the file 'conf.txt' is there before that of the namespace 'other.one'; set 'ifExists' to"
    assert expected in str(execution.error)


def test_nsfile(options: dict[str, Any]) -> None:
    """`nsfile://` brings one file of the flow's namespace or of another one, under any name."""
    files = "{app.yml: 'nsfile:///conf.txt', d/x.yml: ' nsfile://other.one/x.yml', u: \"{{ fileURI('conf.txt') }}\"}"
    execution = run_tasks(directory(f"inputFiles: {files}", LOOK), **options)

    assert ["./app.yml=ns", "./d/x.yml=x: 1", "./u=ns"] == messages(execution, "look")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{{ read('conf.txt') }}", "ns", id="a path"),
        pytest.param("{{ read('/conf.txt') }}", "ns", id="from the top"),
        pytest.param("{{ read('nsfile:///conf.txt') }}", "ns", id="a URI"),
        pytest.param("{{ read('nsfile://other.one/x.yml') }}", "x: 1", id="of another namespace"),
        pytest.param("{{ read('conf.txt', namespace='other.one') }}", "other", id="of a named one"),
        pytest.param("{{ read('nsfile:///conf.txt', namespace='other.one') }}", "other", id="both"),
        pytest.param("{{ read(fileURI('conf.txt')) }}", "ns", id="the storage's URI"),
        pytest.param("{{ fileURI('nsfile:///conf.txt') }}", "kestra:///team/_files/conf.txt", id="its URI"),
        pytest.param("{{ fileExists('conf.txt') }} {{ fileExists('x.yml') }}", "true false", id="is it there"),
        pytest.param("{{ fileExists('nsfile://other.one/x.yml') }}", "true", id="is it there, by URI"),
        pytest.param("{{ fileExists('package') }}", "false", id="a folder is no file"),
        pytest.param("{{ fileSize('conf.txt') }}", "2", id="size"),
        pytest.param(
            "{{ isFileEmpty('package/__init__.py') }} {{ isFileEmpty('conf.txt') }}", "true false", id="empty"
        ),
    ],
)
def test_expressions(options: dict[str, Any], template: str, expected: str) -> None:
    """Expressions read files of the flow's namespace, or of one that is named."""
    task = f"- id: r\n  type: {CORE}.debug.Return\n  format: |-\n    {template}"
    assert expected == run_tasks(task, **options).task_outputs["r"]["value"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("{{ read('x.yml') }}", "the namespace 'team' has no file 'x.yml' in the ", id="not there"),
        pytest.param(
            "{{ fileSize('nsfile://no.such/x') }}", "the namespace 'no.such' has no file 'x' in the", id="no ns"
        ),
        pytest.param("{{ read('../x') }}", "the path '../x' leads out of the namespace", id="out of it"),
        pytest.param("{{ read('nsfile://other.one/../x') }}", "the path '../x' leads out", id="out of it by URI"),
        pytest.param("{{ read('nsfile:///%2e%2e/x') }}", "the path '../x' leads out", id="escaped"),
    ],
)
def test_nothing_is_inherited(options: dict[str, Any], template: str, expected: str) -> None:
    """A file that its own namespace has not is an error: none comes from another one, and no path leads out of it."""
    task = f"- id: r\n  type: {CORE}.debug.Return\n  format: |-\n    {template}"
    assert expected in str(run_tasks(task, **options).error)


def test_parents(tmp_path: Path) -> None:
    """A namespace does not have the files of those above it."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "a").write_text("of the parent")
    execution = run_tasks(directory("namespaceFiles: {namespaces: [team.child]}", LOOK), namespace_files=tmp_path)

    assert ("SUCCESS", []) == (execution.state, messages(execution, "look"))
    (warning,) = messages(execution, "w", "WARN")
    assert warning.startswith("the namespace 'team.child' has no files: there are none in the storage, at kestra:///")


def test_uris_in_commands(options: dict[str, Any]) -> None:
    """A namespace file's URI in a command becomes a path, as that of any stored file."""
    command = "cat {{ fileURI('conf.txt') }}"
    execution = run_tasks(f'- {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["{command}"]}}', **options)

    assert ["ns"] == messages(execution, "a")


def test_what_comes_is_a_copy(options: dict[str, Any], folder: Path) -> None:
    """A task that changes what came changes nothing where it came from."""
    task = f"{{id: a, type: {SCRIPTS}.shell.Commands, commands: ['echo other > conf.txt; chmod 777 conf.txt']}}"
    first = run_tasks(directory("namespaceFiles: {}", task), **options)
    again = run_tasks(directory("namespaceFiles: {include: [conf.txt]}", LOOK), **options)

    assert ("SUCCESS", ["./conf.txt=ns"]) == (first.state, messages(again, "look"))
    assert (b"ns", 0) == ((folder / "team/conf.txt").read_bytes(), (folder / "team/conf.txt").stat().st_mode & 0o111)


def test_configured_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that pyproject.toml names is the one of a run, also below the folder in which that lies."""
    (folder.parent / "pyproject.toml").write_text('[tool.wdprefect]\nnamespace-files = "namespaces"\n')
    monkeypatch.chdir(folder / "team")
    execution = run_tasks(directory("namespaceFiles: {include: [conf.txt]}", LOOK))

    assert ["./conf.txt=ns"] == messages(execution, "look")


def test_configured_folder_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configured folder that is not there fails the task that wants it, and no other."""
    (tmp_path / "pyproject.toml").write_text('[tool.wdprefect]\nnamespace-files = "no"\n')
    monkeypatch.chdir(tmp_path)

    assert "SUCCESS" == run_tasks(directory("inputFiles: {}", LOOK)).state
    execution = run_tasks(directory("namespaceFiles: {}", LOOK))
    assert f"task 'w': the folder of namespace files '{tmp_path}/no' does not exist; make it" in str(execution.error)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("namespaces: ['{{ \"..\" }}']", "'..' is no name of a namespace: its parts", id="namespace"),
        pytest.param("include: ['[a']", "the pattern '[a' is not valid: a ']' is missing", id="pattern"),
        pytest.param(
            "ifExists: '{{ \"x\" }}'", "'namespaceFiles.ifExists': 'x' is none of 'OVERWRITE', 'FAIL'", id="choice"
        ),
        pytest.param("include: '{{ \"a.txt\" }}'", "'namespaceFiles.include': it must be a list", id="no list"),
        pytest.param("enabled: '{{ \"x\" }}'", "'namespaceFiles.enabled': it must be true or false", id="enabled"),
    ],
)
def test_wrong_values(options: dict[str, Any], properties: str, expected: str) -> None:
    """A value that is wrong only when it is rendered is said with its name."""
    execution = run_tasks(directory(f"namespaceFiles: {{{properties}}}", LOOK), **options)

    assert ("FAILED", True) == (execution.state, expected in str(execution.error)), execution.error


def test_a_folder_in_its_place(options: dict[str, Any]) -> None:
    """A folder of the name of a file is an error that names it."""
    task = f"{{id: a, type: {SCRIPTS}.shell.Commands, namespaceFiles: {{}}, commands: []}}"
    execution = run_tasks(directory("inputFiles: {conf.txt/x: wd}", task), **options)

    assert re.search(r"task 'a': cannot fetch 'kestra:///team/_files/conf.txt': is a directory: ", str(execution.error))
