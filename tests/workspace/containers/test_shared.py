"""Commands in one container, held against the same commands as processes."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping

import pytest
from docker.client import DockerClient

from tests.workspace.containers.conftest import BASH, BUSYBOX, DEBIAN, NO_SETSID, NO_SHELL, Open
from tests.workspace.watching import Shell, stopping_when, wait_until
from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop

pytestmark = pytest.mark.docker

SHELLS = [pytest.param(DEBIAN, id="dash"), pytest.param(BUSYBOX, id="busybox"), pytest.param(BASH, id="bash")]
VALUES = ["plain", "it's", 'a"b', "new\nline\n", "\\n%s $HOME `id`", "é\t€ 😀", "", "\x01\x02\x7f", "-n"]
# Under names that shells keep for themselves, or cannot set.
NAMES = ["X", "PATH_TO", "UID", "odd.name", "IFS"]
TEXTS = [
    "printf '%s\\n' \"$X\"; printf '%s' \"$X\" >&2",
    'i=0; while [ $i -lt {n} ]; do echo "line $i {x}"; i=$((i+1)); done',
    "exit {n}",
    "printf 'no end %s' {n}",
    "kill -{signal} $$",
    "for i in 1 2 3; do echo out$i; echo err$i >&2; done; exit 7",
    "printf '\\000\\001\\377 bytes\\n'",
    "cat; echo input is empty",
    "(exit {n}) || true; cd / && pwd; false; echo $?",
    ":",
]


@pytest.mark.parametrize("image", SHELLS)
def test_as_processes(image: str, shell_in: Open, shell: Shell) -> None:
    """Whatever a command prints, is given and ends with: no line, code or signal is lost, and none is added."""
    inside, dice = shell_in(image), random.Random(20)  # noqa: S311  no secret is made of it
    for _ in range(120):
        text = dice.choice(TEXTS).format(
            n=dice.randrange(256), x="x" * dice.randrange(200), signal=dice.choice([1, 2, 6, 9, 10, 15])
        )
        environment = {dice.choice(NAMES): dice.choice(VALUES), "X": dice.choice(VALUES)}
        assert _seen(shell, text, environment) == _seen(inside, text, environment), (text, environment)


def _seen(shell: Shell, text: str, environment: Mapping[str, str]) -> tuple[int, list[str], list[str]]:
    shell.lines.clear()
    status = shell.run(text, environment)
    return status, shell.stdout, shell.stderr


@pytest.mark.parametrize("image", SHELLS)
def test_much_output(image: str, shell_in: Open) -> None:
    """Much output on both streams at once arrives whole, each stream in its order."""
    shell = shell_in(image)
    count = 50_000
    text = f"i=0; while [ $i -lt {count} ]; do echo $i; echo $i >&2; i=$((i+1)); done"

    assert 0 == shell.run(text)
    assert [str(number) for number in range(count)] == shell.stdout == shell.stderr


@pytest.mark.parametrize("image", [*SHELLS, pytest.param(NO_SETSID, id="without setsid")])
def test_side_by_side(image: str, shell_in: Open) -> None:
    """Commands that run at the same time in one container have output and codes of their own."""
    shell = shell_in(image)
    wrong: list[object] = []

    def run_some(number: int) -> None:
        mine = Shell(shell.session, shell.directory)
        for turn in range(10):
            status = mine.run(f"echo {number}-{turn}; exit {number}")
            if (status, mine.stdout[-1:], mine.stderr) != (number, [f"{number}-{turn}"], []):
                wrong.append((number, turn, status, mine.lines))

    threads = [threading.Thread(target=run_some, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong


def test_one_container(shell_in: Open) -> None:
    """What a command does to its container is there for the next one; its environment and directory are not."""
    shell = shell_in()
    shell.run("echo kept > /tmp/file; cd /; export MORE=1; hostname", {"GIVEN": "x"})
    shell.run('cat /tmp/file; echo "$MORE$GIVEN"; pwd; hostname')
    name, kept, environment, place, same_name = shell.stdout

    assert ("kept", "", str(shell.directory.path), name) == (kept, environment, place, same_name)


def test_files(shell_in: Open) -> None:
    """The directory is the same inside and outside, at the same path, and what a command makes is this user's."""
    shell = shell_in()
    (shell.directory.path / "given.txt").write_text("from outside\n")
    shell.run(
        'cat given.txt; echo "from inside" > made.txt; ls "$WORKING_DIR"; mkdir -p a/b; ln -s a link; rm given.txt'
    )

    assert ["from outside", "given.txt", "made.txt"] == shell.stdout
    assert "from inside\n" == (shell.directory.path / "made.txt").read_text()
    assert (shell.directory.path / "link").is_symlink()
    assert not (shell.directory.path / "given.txt").exists()


@pytest.mark.parametrize("image", [*SHELLS, pytest.param(NO_SETSID, id="without setsid")])
@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        pytest.param("echo begun; sleep 60", 143, ["begun"], id="asked"),
        pytest.param("trap 'echo bye; exit 5' TERM; echo begun; sleep 60 & wait", 5, ["begun", "bye"], id="tidies up"),
        pytest.param("trap '' TERM; echo begun; while :; do sleep 0.1; done", 137, ["begun"], id="killed"),
    ],
)
def test_stop(image: str, text: str, status: int, said: list[str], shell_in: Open) -> None:
    """A command that is to stop is asked to, and killed when its grace is over; the container goes on."""
    shell, stop = shell_in(image), Stop()
    with stopping_when(lambda: bool(shell.stdout), stop):
        assert status == shell.run(text, stop=stop, grace_seconds=1)
    assert said == shell.stdout
    shell.lines.clear()
    assert 0 == shell.run("echo next")
    assert ["next"] == shell.stdout


@pytest.mark.parametrize("image", SHELLS)
def test_what_is_left(image: str, shell_in: Open) -> None:
    """What a command leaves running is ended with it: in its group and out of it; its last output is not lost."""
    shell = shell_in(image)
    assert 0 == shell.run("sleep 301 & setsid sleep 302 & (sleep 0.2; echo late) & echo now")
    assert ["now", "late"] == shell.stdout
    shell.lines.clear()
    shell.run("for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done")
    assert [] == [line for line in shell.stdout if line.startswith("sleep 30")]


def test_no_such_program(shell_in: Open) -> None:
    """A program that is not in the image ends with 127 and says which it was."""
    shell = shell_in(DEBIAN)
    assert 127 == shell.vector("/no/such", "argument")
    assert ["setsid: failed to execute /no/such: No such file or directory"] == shell.stderr
    with pytest.raises(TaskFailed, match=r"^no program is given$"):
        shell.vector()
    with pytest.raises(TaskFailed, match=r"^cannot start '/bin/sh': embedded null byte$"):
        shell.run("echo \0")


def test_no_shell(shell_in: Open) -> None:
    """In an image without a shell each command has a container of its own, and a shell cannot be started."""
    shell = shell_in(NO_SHELL)
    assert 0 == shell.vector("/bin/echo", "hello")
    assert ["hello"] == shell.stdout
    assert 127 == shell.run("echo never")
    assert ["exec /bin/sh failed: No such file or directory"] == [line.partition("] ")[2] for line in shell.stderr]


def test_ends_with_the_session(shell_in: Open) -> None:
    """A container ends when its session is closed, however often, also while a command runs in it."""
    shell = shell_in()
    thread = threading.Thread(target=lambda: shell.run("echo begun; sleep 60", grace_seconds=0.2))
    thread.start()
    wait_until(lambda: bool(shell.stdout))
    shell.session.close()
    thread.join()
    shell.session.close()
    assert 143 == shell.run("echo never")
    assert ["begun"] == shell.stdout


def test_container_is_killed(shell_in: Open, docker_engine: DockerClient) -> None:
    """A container that is killed fails its command with what is known; the next command has a new one."""
    shell = shell_in()
    shell.run(":")
    identity = shell.session.details["containerId"]
    killer = threading.Thread(target=_kill_when_begun, args=(shell, docker_engine, identity))
    killer.start()
    with pytest.raises(TaskFailed, match=r"^the container ended while the command ran, with exit code 137: ") as caught:
        shell.run("echo begun; sleep 60")
    killer.join()
    assert 137 == caught.value.exit_status
    assert 0 == shell.run("echo again")
    assert ["begun", "again"] == shell.stdout
    assert identity != shell.session.details["containerId"]


def _kill_when_begun(shell: Shell, client: DockerClient, identity: str) -> None:
    wait_until(lambda: bool(shell.stdout))
    client.containers.get(identity).kill()


@pytest.mark.parametrize("is_shared", [pytest.param(True, id="shared"), pytest.param(False, id="alone")])
def test_out_of_memory(shell_in: Open, is_shared: bool) -> None:  # noqa: FBT001 (a row)
    """A command that is killed for memory fails with the limit."""
    limits = {"mem_limit": 32 * 2**20, "memswap_limit": 32 * 2**20}
    shell = shell_in(DEBIAN, host=limits, memory="32m", is_shared=is_shared)
    reason = r"^Command failed with exit code 137: it used more memory than its limit of 32m "
    with pytest.raises(TaskFailed, match=reason) as caught:
        shell.run("echo begun; head -c 200000000 /dev/zero | tail -c 190000000 > /dev/null")
    assert 137 == caught.value.exit_status
    assert ["begun"] == shell.stdout[:1]
    assert 137 == shell_in(DEBIAN).run("exit 137")
