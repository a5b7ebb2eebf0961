"""Ends of warm runs from outside: of the run itself, of its template, of the process that started it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from tests.on_prefect.warm.starting import Warm, create, deploy, warm
from tests.workspace.watching import is_dead, wait_until
from wdprefect.errors import Unavailable, UsageError
from wdprefect.on_prefect.warm.owner import Lease
from wdprefect.on_prefect.warm.process import MODULE, Settings
from wdprefect.on_prefect.warm.runner import WarmRunner

pytestmark = [pytest.mark.server, pytest.mark.slow]

QUICK = """\
id: quick
namespace: company.team
tasks:
  - {id: log, type: io.kestra.plugin.core.log.Log, message: hello}
"""
LISTENER = """\
import signal, sys
from pathlib import Path
from uuid import UUID
from wdprefect.on_prefect.warm.process import Settings
from wdprefect.on_prefect.warm.runner import warm_runner

file, *runs = sys.argv[1:]
with warm_runner(Settings({"company.team.slow": Path(file)}), print, print) as runner:
    for run in runs:
        runner.execute(UUID(run), "company.team.slow")
    signal.pause()
"""


@pytest.fixture
def slow(api: Api, tmp_path: Path) -> Iterator[Warm]:
    """A runner for a flow with a command that lasts, and for one that ends at once."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    (tmp_path / "quick.yaml").write_text(QUICK)
    with warm(api, tmp_path / "slow.yaml", tmp_path / "quick.yaml") as found:
        yield found


@pytest.mark.parametrize(
    ("how", "expected", "code"),
    [
        pytest.param("cancel", "CANCELLED", 0, id="cancelled in the UI"),
        pytest.param("SIGTERM", "CANCELLED", 0, id="terminated"),
        pytest.param("SIGKILL", "CRASHED", -9, id="killed"),
    ],
)
def test_a_run(api: Api, slow: Warm, tmp_path: Path, how: str, expected: str, code: int) -> None:
    """A run that is cancelled or terminated ends Cancelled, one that is killed Crashed; its commands end with it.

    Its end is heard when the API knows of it.
    """
    flow_run_id = slow.start(stopping.FLOW, {"folder": str(tmp_path)})
    children = stopping.children_of_run(tmp_path)
    stopping.running_task_run(api, tmp_path)
    if how == "cancel":
        api.cancel(flow_run_id)
    else:
        (process,) = processes_of(flow_run_id)
        process.send_signal(signal.Signals[how])

    assert code == slow.ended.code(flow_run_id)
    assert expected == api.state(flow_run_id)
    stopping.assert_gone(children)
    assert {expected} == {run["state_type"] for run in api.task_runs(flow_run_id).values()}


def test_a_template_that_dies(api: Api, slow: Warm, tmp_path: Path) -> None:
    """When the template is killed its runs end as Crashed, and another one takes the next runs."""
    flow_run_id = slow.start(stopping.FLOW, {"folder": str(tmp_path)})
    children = stopping.children_of_run(tmp_path)
    first = template_of(os.getpid())
    first.kill()

    assert slow.ended.code(flow_run_id) is None
    stopping.assert_gone(children)
    assert "CRASHED" == api.end_state(flow_run_id)
    assert "the process that started it has died" == api.flow_run(flow_run_id)["state"]["message"]
    assert "COMPLETED" == api.state(slow.run("company.team.quick"))
    assert first.pid != template_of(os.getpid()).pid


def test_runs_that_wait_while_the_template_dies(api: Api, slow: Warm) -> None:
    """Runs that a dead template had not begun are executed by the next one."""
    first = template_of(os.getpid())
    first.suspend()
    runs = [slow.start("company.team.quick") for _ in range(3)]
    first.kill()

    assert [0, 0, 0] == [slow.ended.code(flow_run_id) for flow_run_id in runs]
    assert {"COMPLETED"} == {api.state(flow_run_id) for flow_run_id in runs}


def test_templates_that_die_of_a_run(api: Api, tmp_path: Path) -> None:
    """A run that no template lives to begin is given back after three of them, as it was; the next one is executed."""
    file = tmp_path / "quick.yaml"
    file.write_text(QUICK)
    with warm(api, file) as found:
        file.unlink()
        # Who reads the flow waits until it is written.
        os.mkfifo(file)
        flow_run_id = found.start("company.team.quick")
        for last in (False, False, True):
            pipe = end_of_reader(file)
            template = template_of(os.getpid())
            template.kill()
            wait_until(lambda pid=template.pid: is_dead(pid))  # type: ignore[misc]  # mypy cannot infer a default
            os.close(pipe)
            if not last:
                pipe = end_of_reader(file)
                os.write(pipe, QUICK.encode())
                os.close(pipe)
                wait_until(lambda: found.runner._is_ready, 60)
        assert found.ended.code(flow_run_id) is None
        assert "PENDING" == api.state(flow_run_id)

        file.unlink()
        file.write_text(QUICK)
        assert "COMPLETED" == api.state(found.run("company.team.quick"))


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_listener_that_ends(api: Api, tmp_path: Path, how: str) -> None:
    """When the process that started runs ends, however that is, nothing of it is left, and its runs end as Crashed."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    deployment = deploy(tmp_path / "slow.yaml")
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    runs = [str(create(deployment, {"folder": str(folder)})) for folder in folders]
    with stopping.python(api, tmp_path, "-c", LISTENER, str(tmp_path / "slow.yaml"), *runs) as listener:
        children = [child for folder in folders for child in stopping.children_of_run(folder)]
        children += [child.pid for child in psutil.Process(listener.pid).children(recursive=True)]
        assert len(children) > 6
        for folder in folders:
            stopping.running_task_run(api, folder)
        listener.send_signal(signal.Signals[how])
        stopping.assert_gone(children)

    assert ["CRASHED", "CRASHED"] == [api.end_state(flow_run_id) for flow_run_id in runs]
    # As far as they could, they were cancelled in time.
    assert {"CANCELLED", "CRASHED"} >= {run["state_type"] for each in runs for run in api.task_runs(each).values()}


def test_a_run_that_does_not_end_in_time(api: Api, tmp_path: Path) -> None:
    """A run whose command takes no notice when its listener has died is killed, closed, and so is the command."""
    (tmp_path / "slow.yaml").write_text(stopping.STUBBORN)
    flow_run_id = str(create(deploy(tmp_path / "slow.yaml"), {"folder": str(tmp_path)}))
    with stopping.python(api, tmp_path, "-c", LISTENER, str(tmp_path / "slow.yaml"), flow_run_id) as listener:
        children = stopping.children_of_run(tmp_path)
        listener.kill()
        stopping.assert_gone(children)

    assert "CRASHED" == api.end_state(flow_run_id)


def test_a_lease_that_is_not_kept(api: Api, tmp_path: Path) -> None:
    """A run ends as Crashed when its owner no longer touches the lease: somebody else may have it by now."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    lease = tmp_path / "lease"
    lease.touch()
    with warm(api, tmp_path / "slow.yaml", lease=Lease(lease, 60)) as found:
        flow_run_id = found.start(stopping.FLOW, {"folder": str(tmp_path)})
        children = stopping.children_of_run(tmp_path)
        assert "RUNNING" == api.state(flow_run_id)
        os.utime(lease, (time.time() - 61, time.time() - 61))
        found.ended.code(flow_run_id)

    stopping.assert_gone(children)
    state = api.flow_run(flow_run_id)["state"]
    assert ("CRASHED", "the process that started it does not keep its lease") == (state["type"], state["message"])


def test_stopping(api: Api, tmp_path: Path) -> None:
    """A runner that is stopped waits for its runs as long as it may, then ends them; it takes no more."""
    (tmp_path / "slow.yaml").write_text(stopping.SLEEP)
    with warm(api, tmp_path / "slow.yaml") as found:
        long = found.start(stopping.FLOW, {"folder": "long"})
        api.until(lambda: api.state(long), lambda state: state == "RUNNING")
        short = found.start(stopping.FLOW, {"folder": "none"})
        found.runner.stop(1 if found.ended.code(short) == 0 else 0)
        with pytest.raises(UsageError) as stopped:
            found.start(stopping.FLOW, {"folder": "none"})

    assert "the warm runner has been stopped" == str(stopped.value)
    assert ["COMPLETED", "CRASHED"] == [api.end_state(short), api.end_state(long)]
    assert frozenset() == found.runner.running()


def test_what_a_template_holds(api: Api, slow: Warm) -> None:
    """Before and after runs the template has one thread and no connection but ours; 50 runs leave nothing behind."""
    template = template_of(os.getpid())
    slow.run("company.team.quick")
    before, ours = set(descriptors(template.pid)), len(descriptors(os.getpid()))
    assert 1 == len(list(Path(f"/proc/{template.pid}/task").iterdir()))
    assert 1 == sum(target.startswith("socket:") for target in descriptors(template.pid).values())

    runs = [slow.start("company.team.quick") for _ in range(50)]
    assert {0} == {slow.ended.code(flow_run_id) for flow_run_id in runs}
    assert 1 == len(list(Path(f"/proc/{template.pid}/task").iterdir()))
    assert before == set(descriptors(template.pid))
    # Connections of the tests come and go; what runs left would be as many as they are.
    assert len(descriptors(os.getpid())) < ours + len(runs) // 2
    assert [] == template.children()


def test_what_a_run_inherits(api: Api, tmp_path: Path) -> None:
    """A run has a session of its own, the usual signals, and of its template's files none that would keep it alive."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    with warm(api, tmp_path / "slow.yaml") as found:
        flow_run_id = found.start(stopping.FLOW, {"folder": str(tmp_path)})
        stopping.children_of_run(tmp_path)
        (run,) = processes_of(flow_run_id)
        template = template_of(os.getpid())
        assert run.pid == os.getsid(run.pid)
        assert template.pid == os.getsid(template.pid)
        unix = {target for target in descriptors(template.pid).values() if target.startswith("socket:")}
        assert not unix & set(descriptors(run.pid).values())
        ignored = next(line for line in Path(f"/proc/{run.pid}/status").read_text().splitlines() if "SigIgn" in line)
        assert not int(ignored.split()[1], 16) & (1 << signal.SIGINT - 1 | 1 << signal.SIGTERM - 1)
        api.cancel(flow_run_id)
        found.ended.code(flow_run_id)


def test_a_template_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner whose template does not start says so, with what the template said."""
    (tmp_path / "quick.yaml").write_text(QUICK)
    (tmp_path / "prefect.py").write_text("raise ImportError('prefect is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    runner = WarmRunner(Settings({"company.team.quick": tmp_path / "quick.yaml"}), lambda *_: None, lambda *_: None)
    with pytest.raises(Unavailable) as found:
        runner.start()
    first, *_, last = str(found.value).splitlines()
    assert ("the process that warm runs come from did not start", "  ImportError: prefect is broken") == (first, last)


@pytest.mark.parametrize(("how", "expected", "code"), [("SIGTERM", "CANCELLED", 0), ("SIGKILL", "CRASHED", -9)])
def test_runs_that_are_not_forked(api: Api, tmp_path: Path, how: str, expected: str, code: int) -> None:
    """Where nothing may be forked a run has a new Python, and ends like any other."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    with warm(api, tmp_path / "slow.yaml", forks=False) as found:
        flow_run_id = found.start(stopping.FLOW, {"folder": str(tmp_path)})
        children = stopping.children_of_run(tmp_path)
        (process,) = processes_of(flow_run_id)
        process.send_signal(signal.Signals[how])
        assert code == found.ended.code(flow_run_id)

    assert expected == api.state(flow_run_id)
    stopping.assert_gone(children)


def end_of_reader(fifo: Path) -> int:
    """The end to write to of a named pipe, as soon as somebody reads it."""
    found: list[int] = []

    def is_read() -> bool:
        with suppress(OSError):
            found.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return bool(found)

    wait_until(is_read, 60)
    return found[0]


def processes_of(flow_run_id: str) -> list[psutil.Process]:
    """The process of a run: of the children of our template the one that has its owner file open."""
    children = template_of(os.getpid()).children()
    return [child for child in children if any(flow_run_id in target for target in descriptors(child.pid).values())]


def template_of(pid: int) -> psutil.Process:
    """The living template of a process."""
    (found,) = (
        child for child in psutil.Process(pid).children() if not is_dead(child.pid) and MODULE in child.cmdline()
    )
    return found


def descriptors(pid: int) -> dict[str, str]:
    """What a process has open, by descriptor."""
    return {file.name: str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
