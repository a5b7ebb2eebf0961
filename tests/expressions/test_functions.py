"""Every function has its rows, one of them an error."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from wdprefect.errors import ExpressionError, StorageError, Unavailable
from wdprefect.expressions import Expressions
from wdprefect.expressions.functions import FUNCTIONS
from wdprefect.expressions.functions.refused import REFUSALS
from wdprefect.expressions.services import HttpRequest, HttpResponse

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
        files = {
            "kestra:///f.txt": b"hi",
            "kestra:///a/b/_files/empty.txt": b"",
            "kestra:///a/b/_files/50%25.txt": b"half",
            "kestra:///other/ns/_files/x": b"ns",
        }
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

    def http(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, "OK", "application/json", b'{"a": 1}')


SUMS = {"sum": {"p": {"a": {"value": 5}}}, "seq": {"rows": 3}, "once": {"p": {}}}
SEALED = "AAAAAAAAAAAAAAAANo1eKnx9nl4BuAS5xJ4ltxUyE+M="
VARIABLES: dict[str, Any] = {
    "s": "Hello World",
    "l": [3, 1, 2],
    "flow": {"id": "f", "namespace": "a.b"},
    "tasks": {"one": {"state": "FAILED"}, "each": {"x": {"state": "FAILED"}, "y": {"state": "SUCCESS"}}},
    "envs": {"home": "/x", "empty": ""},
    "outputs": {"each": {"p": {"x": {"uri": "u"}}}, "loop": [{"outputs": {"u": 1}}, {}], **SUMS},
    "parents": [{"taskrun": {"value": "p"}}, {"task": {"id": "seq"}}],
    "task": {"id": "sum"},
    "taskrun": {"value": "x", "iteration": 1},
    "k": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
NO_JSON = "Failed to read secret sub-key 'x' from secret 'TOKEN'. Ensure the secret contains valid JSON value."
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
    "fromIon": [("fromIon('{a: 1.5e0}').a", 1.5), ("fromIon(null)", None), ("fromIon('{a')", ERROR)],
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
    "iterationOutput": [
        ("iterationOutput()", 5),
        ("iterationOutput('sum', iteration=0)", 5),
        ("iterationOutput('gone')", None),
        ("iterationOutput('once')", ERROR),
        ("iterationOutput('sum', -1)", ERROR),
        ("iterationOutput('sum', 2)", ERROR),
    ],
    "parentOutput": [
        ("parentOutput(0).rows", 3),
        ("parentOutput(index=1)", ERROR),
        ("parentOutput(2)", ERROR),
        ("parentOutput()", ERROR),
    ],
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
    "isFileEmpty": [
        ("isFileEmpty('empty.txt')", True),
        ("isFileEmpty('/50%.txt')", False),
        ("isFileEmpty('gone')", ERROR),
    ],
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
        ("isLastWorkingDay('2025-05-31', 'Friday, SATURDAY')", True),
        ("isLastWorkingDay('2025-05-31', 'someday')", ERROR),
        ("isLastWorkingDay(s)", ERROR),
    ],
    "isPublicHoliday": [
        ("isPublicHoliday('2026-12-25T23:59:00-11:00', 'fr')", True),
        ("isPublicHoliday('2026-01-06', 'DE')", False),
        ("isPublicHoliday('2026-01-06', 'DE', 'BY')", True),
        ("isPublicHoliday('2026-01-06', 'DE', subDivision=' ')", False),
        ("isPublicHoliday('2026-01-06', 'XX')", ERROR),
        ("isPublicHoliday('2026-01-06', 'DE', 'XX')", ERROR),
    ],
    "isDateAfter": [
        ("isDateAfter('2025-01-02', '2025-01-01')", True),
        ("isDateAfter('2025-01-01', '2025-01-01T00:00:00Z')", False),
        ("isDateAfter(1, '2025-01-01')", ERROR),
    ],
    "isDateBefore": [
        ("isDateBefore('2025-01-01T00:00:00+02:00', '2025-01-01')", True),
        ("isDateBefore(null, '2025-01-01')", ERROR),
    ],
    "isDateBetween": [
        ("isDateBetween('2025-01-02', after='2025-01-01', before='2025-01-03')", True),
        ("isDateBetween('2025-01-01', '2025-01-01', '2025-01-03')", False),
        ("isDateBetween('2025-01-01', '2025-01-01')", ERROR),
    ],
    "dayOfWeek": [("dayOfWeek('2025-01-06')", "MONDAY"), ("dayOfWeek()", ERROR)],
    "dayOfMonth": [("dayOfMonth('2025-01-06')", 6), ("dayOfMonth(null)", ERROR)],
    "monthOfYear": [("monthOfYear('2025-02-06')", 2), ("monthOfYear('x')", ERROR)],
    "encrypt": [
        ("encrypt(k, 'x') | length", 40),
        ("encrypt(k, '')", ""),
        ("encrypt(k, null)", None),
        ("encrypt('YWJj', 'x')", ERROR),
        ("encrypt('-', 'x')", ERROR),
    ],
    "decrypt": [
        (f"decrypt(key=k, encrypted='{SEALED}')", "toto"),
        ("decrypt(k, encrypt(k, 'é'))", "é"),
        ("decrypt(k, '')", ""),
        (f"decrypt(k, '{SEALED[:-5]}AAA=')", ERROR),
        ("decrypt(k, 'eHg=')", ERROR),
    ],
    "http": [("http('http://h').a", 1), ("http('h')", ERROR)],
    "subflow": [("1 ?? subflow('ns', 'id')", 1), ("subflow(namespace='ns', id='id')", ERROR)],
    "credential": [("1 ?? credential('x')", 1), ("credential('x')", ERROR)],
    "appLink": [("1 ?? appLink('x')", 1), ("appLink('x')", ERROR)],
    "assets": [("1 ?? assets()", 1), ("assets()", ERROR)],
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
    [
        "secret('K')",
        "kv('k')",
        "read('x')",
        "fileSize('x')",
        "fileExists('x')",
        "now()",
        "errorLogs()",
        "http('http://h')",
    ],
)
def test_absent_service(call: str) -> None:
    """A function whose service is absent says so."""
    with pytest.raises(ExpressionError, match="is not available here"):
        Expressions().render(f"{{{{ {call} }}}}", {"flow": {"namespace": "a"}})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("secret('JSON', subkey='x')", "function 'secret': Cannot find secret sub-key 'x' in secret 'JSON'."),
        (
            "secret('TOKEN', subkey='x')",
            f"function 'secret': {NO_JSON}",
        ),
        ("read('../x')", "function 'read': the path '../x' leads out of the namespace"),
        ("encrypt('YWJj', 'x')", "function 'encrypt': key has 3 bytes, not 16, 24 or 32"),
        ("encrypt('-', 'x')", "function 'encrypt': key is no base64"),
        (
            "decrypt(k, 'eHg=')",
            "function 'decrypt': the text was not encrypted with this key, or has been changed",
        ),
        ("isPublicHoliday('2026-01-06', 'XX')", "function 'isPublicHoliday': the holidays of 'XX' are not known"),
        (
            "isPublicHoliday('2026-01-06', 'DE', 'XX')",
            "function 'isPublicHoliday': the holidays of 'XX' of 'DE' are not known",
        ),
        ("isDateAfter(1, '2026-01-06')", "function 'isDateAfter': a number is no date"),
        ("iterationOutput('sum', -1)", "function 'iterationOutput': there is no round -1: they count from 0"),
        (
            "iterationOutput('sum', 2)",
            "function 'iterationOutput': round 2 of 'sum' has no outputs yet (there are 1 with outputs)",
        ),
        ("parentOutput(2)", "function 'parentOutput': there is no parent 2 (there are 2)"),
        (
            "parentOutput(1)",
            "function 'parentOutput': the task around is not named here: 'parent' has no 'task'",
        ),
        ("subflow('a', 'b')", "function 'subflow': does not exist here: a flow is run by a task"),
        (
            "credential('x')",
            f"function 'credential': {REFUSALS['credential']}",
        ),
    ],
)
def test_messages(call: str, message: str) -> None:
    """An error says what is wrong, and with what."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(f"{{{{ {call} }}}}", VARIABLES, FakeServices())
    assert message == caught.value.message


def test_outside_of_loops_and_namespaces() -> None:
    """What belongs to a loop, or to a namespace, says so elsewhere."""
    for call, message in {
        "iterationOutput()": "function 'iterationOutput': works inside of loops only",
        "read('x')": "function 'read': there is no namespace here in which 'x' could be",
    }.items():
        with pytest.raises(ExpressionError) as caught:
            Expressions().render(f"{{{{ {call} }}}}", {}, FakeServices())
        assert message == caught.value.message


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
