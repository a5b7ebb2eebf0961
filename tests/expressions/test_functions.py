"""Every function has its rows, one of them an error."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from wdprefect.errors import ExpressionError, StorageError, Unavailable
from wdprefect.expressions import Expressions
from wdprefect.expressions.functions import FUNCTIONS

MOMENT = dt.datetime(2024, 3, 1, 9, 5, 7, 123456, tzinfo=dt.timezone.utc)
LOGS = [{"message": "boom", "level": "ERROR"}]


class FakeServices:
    """A run with a few secrets, keys and files."""

    def secret(self, name: str, namespace: str | None = None) -> str:
        secrets = {"TOKEN": "t0k3n", "JSON": '{"user": "ann"}', "ns.TOKEN": "other"}
        return secrets[f"{namespace}.{name}" if namespace else name]

    def kv(self, key: str, namespace: str) -> Any:
        return {("a.b", "k"): 1, ("a", "up"): {"x": 2}}[namespace, key]

    def read(self, uri: str) -> bytes:
        files = {"kestra:///f.txt": b"hi", "empty.txt": b"", "kestra:///other/ns/_files/x": b"ns"}
        if uri not in files:
            raise StorageError(f"no file '{uri}'", uri)
        return files[uri]

    def exists(self, uri: str) -> bool:
        return uri == "kestra:///f.txt"

    def size(self, uri: str) -> int:
        return len(self.read(uri))

    def now(self) -> dt.datetime:
        return MOMENT

    def error_logs(self) -> list[Any]:
        return LOGS


VARIABLES: dict[str, Any] = {
    "s": "Hello World",
    "l": [3, 1, 2],
    "flow": {"id": "f", "namespace": "a.b"},
    "tasks": {"one": {"state": "FAILED"}, "each": {"x": {"state": "FAILED"}, "y": {"state": "SUCCESS"}}},
    "envs": {"home": "/x", "empty": ""},
    "outputs": {"each": {"p": {"x": {"uri": "u"}}}, "loop": [{"outputs": {"u": 1}}, {}]},
    "parents": [{"taskrun": {"value": "p"}}, {"task": {"id": "seq"}}],
    "taskrun": {"value": "x"},
}
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError

FAILED_RUNS = [{"taskId": "one", "state": "FAILED"}, {"taskId": "each", "state": "FAILED", "value": "x"}]
ROWS: dict[str, list[tuple[str, object]]] = {
    "max": [("max(1, null, 3.5, 2)", 3.5), ("max('a')", ERROR)],
    "min": [("min(3, -1)", -1), ("min(l)", ERROR)],
    "range": [
        ("range(1, 3)", [1, 2, 3]),
        ("range(5, 1, -2)", [5, 3, 1]),
        ("range(start='a', end='c')", ["a", "b", "c"]),
        ("range(1)", ERROR),
        ("range(1, 2, 0)", ERROR),
    ],
    "fromJson": [
        ("""fromJson('{"a": [1.5]} x')""", {"a": [1.5]}),
        ("fromJson(null)", None),
        ("fromJson('{a}')", ERROR),
        ("fromJson('NaN')", ERROR),
    ],
    "json": [("json('[1]')", [1]), ("json()", ERROR)],
    "yaml": [
        ("yaml('a: 2024-01-01\nb: [yes, 1:30]')", {"a": "2024-01-01", "b": [True, "1:30"]}),
        ("yaml('a: &x 1\nb: *x')", ERROR),
        ("yaml('[')", ERROR),
        ("yaml(null)", ERROR),
    ],
    "render": [("render('{{ s }}')", "Hello World"), ("render()", ERROR)],
    "renderOnce": [("renderOnce(['{{ s }}'])", ["Hello World"]), ("renderOnce(a=1)", ERROR)],
    "block": [("block('none')", ""), ("block(1)", ERROR)],
    "now": [("now()", "2024-03-01T09:05:07.123456Z"), ("now('HH', timeZone='Asia/Tokyo')", "18"), ("now(1)", ERROR)],
    "errorLogs": [("errorLogs()", LOGS), ("errorLogs() + gone()", ERROR)],
    "currentEachOutput": [("currentEachOutput(outputs.each).uri", "u"), ("currentEachOutput('x')", ERROR)],
    "loopOutputs": [("loopOutputs(outputs.loop, 'u')", [1, None]), ("loopOutputs([], null)", ERROR)],
    "tasksWithState": [("tasksWithState('failed')", FAILED_RUNS), ("tasksWithState()", ERROR)],
    "env": [("env('home')", "/x"), ("env('empty', 'd')", "d"), ("env()", ERROR)],
    "fetchContext": [("fetchContext().s", "Hello World"), ("fetchContext() - 1", ERROR)],
    "printContext": [("printContext() | slice(0, 18)", '{"s":"Hello World"'), ("printContext() * 2", ERROR)],
    "secret": [
        ("secret('TOKEN')", "t0k3n"),
        ("secret('TOKEN', namespace='ns')", "other"),
        ("secret('JSON', subkey='user')", "ann"),
        ("secret('JSON', subkey='x')", ERROR),
        ("secret('GONE')", ERROR),
    ],
    "kv": [
        ("kv('k')", 1),
        ("kv('up').x", 2),
        ("kv('up', 'a')", {"x": 2}),
        ("kv('up', 'a.b', errorOnMissing=false)", None),
        ("kv('up', 'a.b')", ERROR),
    ],
    "read": [("read('kestra:///f.txt')", "hi"), ("read('x', namespace='other.ns')", "ns"), ("read('gone')", ERROR)],
    "fileSize": [("fileSize('kestra:///f.txt')", 2), ("fileSize('gone')", ERROR)],
    "fileExists": [("fileExists('kestra:///f.txt')", True), ("fileExists('gone')", False), ("fileExists(1)", ERROR)],
    "isFileEmpty": [("isFileEmpty('empty.txt')", True), ("isFileEmpty('gone')", ERROR)],
    "fileURI": [("fileURI('/d/x.txt')", "kestra:///a/b/_files/d/x.txt"), ("fileURI('../x')", ERROR)],
    "uuid": [("uuid() | length", 36), ("uuid() * 2", ERROR)],
    "id": [("id() | length", 22), ("id() * 2", ERROR)],
    "ksuid": [("ksuid() | length", 27), ("ksuid() - 1", ERROR)],
    "nanoId": [("nanoId(5, 'a')", "aaaaa"), ("nanoId(0)", ERROR)],
    "randomInt": [("randomInt(5, 6)", 5), ("randomInt(6, 5)", ERROR)],
    "randomPort": [("randomPort() > 1023", True), ("randomPort() + null", ERROR)],
    "isWeekend": [("isWeekend('2025-01-05')", True), ("isWeekend(s)", ERROR)],
    "isDayWeekInMonth": [
        ("isDayWeekInMonth('2025-01-06', 'MONDAY', 'FIRST')", True),
        ("isDayWeekInMonth('2025-01-31', 'friday', 'LAST')", True),
        ("isDayWeekInMonth('2025-01-06', 'MONDAY', 'FIFTH')", ERROR),
    ],
    "isLastWorkingDay": [
        ("isLastWorkingDay('2025-05-30')", True),
        ("isLastWorkingDay('2025-05-30', ['SATURDAY'])", False),
        ("isLastWorkingDay(s)", ERROR),
    ],
    "dayOfWeek": [("dayOfWeek('2025-01-06')", "MONDAY"), ("dayOfWeek()", ERROR)],
    "dayOfMonth": [("dayOfMonth('2025-01-06')", 6), ("dayOfMonth(null)", ERROR)],
    "monthOfYear": [("monthOfYear('2025-02-06')", 2), ("monthOfYear('x')", ERROR)],
    "hourOfDay": [("hourOfDay('2025-01-06T23:30:00+02:00')", 23), ("hourOfDay('2025-01-06')", ERROR)],
}


@pytest.mark.parametrize(("text", "expected"), [row for rows in ROWS.values() for row in rows])
def test_functions(text: str, expected: object) -> None:
    """Each function gives what Kestra's does; what it cannot take is an error of kind `evaluation`."""
    template = f"{{{{ {text} }}}}"
    if expected is not ERROR:
        assert expected == Expressions().evaluate(template, VARIABLES, FakeServices())
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().evaluate(template, VARIABLES, FakeServices())
    assert "evaluation" == caught.value.kind


def test_every_function_has_rows() -> None:
    """None is without a result and an error in the table above."""
    assert set(FUNCTIONS) == set(ROWS)
    for rows in ROWS.values():
        assert {True, False} == {expected is ERROR for _, expected in rows}


@pytest.mark.parametrize(
    "call",
    ["secret('K')", "kv('k')", "read('x')", "fileSize('x')", "fileExists('x')", "now()", "errorLogs()"],
)
def test_absent_service(call: str) -> None:
    """A function whose service is absent says so."""
    with pytest.raises(ExpressionError, match="is not available here"):
        Expressions().render(f"{{{{ {call} }}}}", {})


def test_messages_name_the_key() -> None:
    """A missing secret and key are named as Kestra names them."""
    with pytest.raises(ExpressionError, match=r"Cannot find secret for key 'GONE'\."):
        Expressions().render("{{ secret('GONE') }}", {}, FakeServices())
    with pytest.raises(ExpressionError, match=r"The key 'gone' does not exist in the namespace 'a\.b'\."):
        Expressions().render("{{ kv('gone') }}", VARIABLES, FakeServices())


def test_unavailable_passes() -> None:
    """A service that does not answer is no error of the template: trying again may help."""

    class Down(FakeServices):
        def kv(self, key: str, namespace: str) -> Any:
            raise Unavailable(f"{namespace}/{key}")

    with pytest.raises(Unavailable):
        Expressions().render("{{ kv('k') ?? 'x' }}", VARIABLES, Down())


def test_new_ids_differ() -> None:
    """What is made anew differs at each call."""
    text = "{{ [uuid(), uuid(), id(), id(), nanoId(), nanoId(), ksuid(), ksuid()] | distinct | length }}"
    assert "8" == Expressions().render(text, {})


def test_printed_context_is_json() -> None:
    """`printContext` gives JSON of everything visible."""
    assert {"a": 1, "x": 2} == json.loads(Expressions().render("{% set x = 2 %}{{ printContext() }}", {"a": 1}))
