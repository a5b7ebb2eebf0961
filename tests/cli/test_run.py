"""`wdprefect run`, on the local engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Cli, Write, result
from tests.cli.flows import DELIVERING, HELLO
from tests.running import CORE, SCRIPTS
from wdprefect.execution.execution import Execution

LOOP = f"""\
id: loop
namespace: team
tasks:
  - id: outer
    type: {CORE}.flow.ForEach
    values: ["x", "../../../y"]
    tasks:
      - id: inner
        type: {CORE}.flow.ForEach
        values: [1, 2]
        tasks:
          - {{id: make, type: {SCRIPTS}.shell.Commands, outputFiles: ["*"], commands: ["touch a.txt"]}}
"""
DOCKER = f"""\
id: docker
namespace: team
tasks:
  - id: a
    type: {SCRIPTS}.shell.Commands
    containerImage: ubuntu
    commands: ["echo here"]
"""
NEEDING = f"""\
id: needing
namespace: team
inputs:
  - {{id: count, type: INT}}
  - {{id: data, type: FILE, required: false}}
tasks:
  - id: a
    type: {CORE}.debug.Return
    format: "{{{{ inputs.count + 1 }}}} {{{{ inputs.data is null ? '' : read(inputs.data) }}}}"
"""


def failing(kind: str = f"{CORE}.execution.Fail") -> str:
    return f"id: failing\nnamespace: team\ntasks:\n  - {{id: a, type: {kind}}}\n"


def test_text(local: Cli, write: Write) -> None:
    """Tasks and their lines go to standard error as they happen, the summary to standard output."""
    said = local(write("hello.yaml", HELLO), "-i", "name=Ada")

    started, line, ended = said.err.splitlines()
    assert ("* greet: started", "  greet | hello Ada -") == (started, line)
    assert ended.startswith("* greet: success, took ")
    first, *rest = said.out.splitlines()
    assert first.startswith("team.hello SUCCESS in ")
    assert (0, ["outputs:", "  greeting: hello Ada"]) == (said.code, rest)


def test_summary_of_several(local: Cli, write: Write) -> None:
    """Where more than one task ran they are listed, and their files with how to get them."""
    said = local(write("delivering.yaml", DELIVERING))

    words = [line.split() for line in said.out.splitlines()]
    assert [["one", "SUCCESS"], ["two", "SUCCESS"]] == [line[:2] for line in words[1:3]]
    assert [["one", "a.txt"], ["one", "b.txt"], ["two", "a.txt"], ["two", "d/c.txt"]] == [x[:2] for x in words[4:8]]
    assert said.out.splitlines()[-1].startswith("  get one with: wdprefect files ")


def test_json(local: Cli, write: Write) -> None:
    """As JSON, standard output is the whole execution and nothing else."""
    facts = result(local(write("hello.yaml", HELLO), "--format", "json", "--label", "team=a b"))

    assert ("team.hello", "SUCCESS", {"name": "world", "times": None}) == (
        facts["flow"],
        facts["state"],
        facts["inputs"],
    )
    assert ({"greeting": "hello world"}, {"team": "a b"}) == (facts["outputs"], facts["labels"])
    assert [("greet", "SUCCESS")] == [(run["taskId"], run["state"]) for run in facts["taskRuns"]]
    assert ["hello world -"] == [record["message"] for record in facts["logs"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("inputs.json", '{"name": "Grace", "times": 3}', id="JSON"),
        pytest.param("inputs.yaml", "name: Grace\ntimes: 3\n", id="YAML"),
    ],
)
def test_inputs_of_a_file(local: Cli, write: Write, name: str, text: str) -> None:
    """`--inputs` reads a file; `-i` wins over it."""
    flow, inputs = write("hello.yaml", HELLO), write(name, text)

    alone = result(local(flow, "--inputs", inputs, "--format", "json"))
    with_more = result(local(flow, "--inputs", inputs, "-i", "name=Ada=b", "--format", "json"))

    assert {"name": "Grace", "times": 3} == alone["inputs"]
    assert {"name": "Ada=b", "times": 3} == with_more["inputs"]


def test_file_input(local: Cli, write: Write) -> None:
    """A FILE input takes the path of a file of this machine."""
    data = write("data.txt", "of a file")

    facts = result(local(write("f.yaml", NEEDING), "-i", "count=1", "-i", f"data={data}", "--format", "json"))

    assert "2 of a file" == facts["taskOutputs"]["a"]["value"]
    assert facts["inputs"]["data"].startswith("kestra:///")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        pytest.param([], 1, "invalid input 'count': missing required input", id="missing"),
        pytest.param(["-i", "count=x"], 1, "invalid input 'count': ", id="of another type"),
        pytest.param(
            ["-i", "count=1", "-i", "cout=1"],
            1,
            "invalid input 'cout': the flow has no such input; it has: count, data",
            id="unknown",
        ),
        pytest.param(
            ["-i", "count=1", "-i", "data=/nowhere/x"],
            1,
            "invalid input 'data': there is no file '/nowhere/x'",
            id="no file",
        ),
        pytest.param(["-i", "count=1", "-i", "data=/"], 1, "invalid input 'data': there is no file '/'", id="a folder"),
        pytest.param(["-i", "count"], 2, "-i takes NAME=VALUE, not 'count'", id="no value"),
        pytest.param(["-i", "=1"], 2, "-i takes NAME=VALUE, not '=1'", id="no name"),
        pytest.param(["--label", "a"], 2, "--label takes NAME=VALUE, not 'a'", id="no label"),
        pytest.param(
            ["--inputs", "/nowhere/x"],
            2,
            "the inputs '/nowhere/x' cannot be read: No such file or directory",
            id="no file of inputs",
        ),
        pytest.param(
            ["-i", "count=1", "--storage", "nonsense"],
            2,
            "'nonsense' names no storage; give file:///absolute/folder, s3://bucket/prefix, or s3-bucket/NAME",
            id="no storage",
        ),
    ],
)
def test_refused(local: Cli, write: Write, arguments: list[str], code: int, expected: str) -> None:
    """What a run cannot start with is one line that says what and why; nothing has run."""
    said = local(write("f.yaml", NEEDING), *arguments)

    assert (code, "") == (said.code, said.out)
    assert said.err.startswith(f"wdprefect: {expected}")
    assert 1 == said.err.count("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "- 1\n",
            "wdprefect: the inputs '{}' are no map but a list: write 'name: value', each on a line of its own",
            id="a list",
        ),
        pytest.param("Ada\n", "wdprefect: the inputs '{}' are no map but the text 'Ada': write", id="a text"),
        pytest.param("[", "{}:1:1: WD101 the text ends inside brackets", id="neither JSON nor YAML"),
        pytest.param("name: &a Ada\n", "{}:1:7: WD106 the anchor '&a' is not supported", id="an anchor"),
    ],
)
def test_wrong_file_of_inputs(local: Cli, write: Write, text: str, expected: str) -> None:
    """A file of inputs that is none is named, with the place in it where there is one."""
    inputs = write("in.yaml", text)

    said = local(write("hello.yaml", HELLO), "--inputs", inputs)

    assert 0 != said.code
    assert said.err.startswith(expected.format(inputs))


@pytest.mark.parametrize("text", ["", "\n", "# none\n", "---\n", "~", "{}"])
def test_empty_file_of_inputs(local: Cli, write: Write, text: str) -> None:
    """A file that holds no inputs gives none."""
    facts = result(local(write("hello.yaml", HELLO), "--inputs", write("in.yaml", text), "--format", "json"))

    assert {"name": "world", "times": None} == facts["inputs"]


def test_invalid_flow(local: Cli, cli: Cli, write: Write) -> None:
    """A flow that is invalid is not run: exit code 1, and the lines of `validate` on standard error."""
    path = write("bad.yaml", HELLO.replace("message", "mesage"))

    said = local(path)

    assert (1, "", cli("validate", path).out) == (said.code, said.out, said.err)
    assert [f"{path}:7:5: WD203", f"{path}:7:54: WD201"] == [
        " ".join(line.split()[:2]) for line in said.err.splitlines()
    ]


@pytest.mark.parametrize(
    ("text", "code", "state"),
    [
        pytest.param(HELLO, 0, "SUCCESS", id="success"),
        pytest.param(
            failing().replace("Fail}", "Fail, allowFailure: true}"),
            0,
            "WARNING",
            id="a warning",
        ),
        pytest.param(failing(), 1, "FAILED", id="failed"),
    ],
)
def test_exit_code(local: Cli, write: Write, text: str, code: int, state: str) -> None:
    """Success and warning are 0, a failed run is 1."""
    said = local(write("f.yaml", text), "--format", "json")

    assert (code, state) == (said.code, result(said)["state"])


def test_error_in_the_summary(local: Cli, write: Write) -> None:
    """The summary of a failed run ends with what went wrong, and where."""
    path = write("f.yaml", failing())

    said = local(path)

    assert f"error: {path}:4:5: task 'a': Task failure" == said.out.splitlines()[-1]


def test_interrupted(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C gives exit code 130, without a traceback."""

    def interrupt(*arguments: object, **options: object) -> Execution:
        raise KeyboardInterrupt

    monkeypatch.setattr("wdprefect.cli.run.run", interrupt)

    said = local(write("f.yaml", HELLO))

    assert (130, "wdprefect: interrupted\n") == (said.code, said.err)


def test_runner(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that wants a container needs an engine; `--runner process` runs it here."""
    path = write("docker.yaml", DOCKER)
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")

    refused, run_here = local(path), local(path, "--runner", "process")

    assert (1, "") == (refused.code, refused.out)
    assert refused.err.startswith(f"{path}:4:5: WD410 ")
    assert "or run without containers by --runner process" in refused.err
    assert 0 == run_here.code
    assert "  a | here" in run_here.err.splitlines()


def test_runner_of_the_environment(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """WDPREFECT_RUNNER says the same; another word is refused."""
    path = write("docker.yaml", DOCKER)
    monkeypatch.setenv("WDPREFECT_RUNNER", "process")
    run_here = local(path)
    monkeypatch.setenv("WDPREFECT_RUNNER", "other")
    refused = local(path)

    said = "wdprefect: unknown runner 'other': it is 'process' or 'docker'\n"
    assert (0, 2, said) == (run_here.code, refused.code, refused.err)


def test_output_dir(local: Cli, write: Write, tmp_path: Path) -> None:
    """`--output-dir` copies what tasks delivered into a folder for each task."""
    target = tmp_path / "new" / "out"

    said = local(write("delivering.yaml", DELIVERING), "--output-dir", target)

    found = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert {"one/a.txt": "1\n", "one/b.txt": "1\n", "two/a.txt": "2\n", "two/d/c.txt": "2\n"} == found
    assert f"4 files in {target}" in said.err


def test_output_dir_of_loops(local: Cli, write: Write, tmp_path: Path) -> None:
    """Each run of a task has a folder of its own, named by the values of the loops; no value leads out of it."""
    target = tmp_path / "out"

    local(write("loop.yaml", LOOP), "--output-dir", target)

    expected = [f"make[{outer}][{inner}]/a.txt" for outer in (".._.._.._y", "x") for inner in (1, 2)]
    assert expected == sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert {"loop.yaml", "out"} == {path.name for path in tmp_path.iterdir()}


def test_output_dir_that_cannot_be(local: Cli, write: Write) -> None:
    """A folder that cannot be made is refused before the flow runs."""
    file = write("file", "")

    said = local(write("delivering.yaml", DELIVERING), "--output-dir", file)

    assert (2, f"wdprefect: the folder '{file}' cannot be made: File exists\n") == (said.code, said.err)
