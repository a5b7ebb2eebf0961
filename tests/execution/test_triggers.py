"""A trigger's templates rendered outside of a run: what they see, and what is said where they cannot be."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from tests.running import flow_of
from wdprefect.errors import InvalidTrigger
from wdprefect.execution.triggers import render_trigger
from wdprefect.masking import Masker
from wdprefect.model.trigger import Trigger

TASKS = "- {id: say, type: io.kestra.plugin.core.log.Log, message: hello}"
S3 = "io.kestra.plugin.aws.s3.Trigger"


def rendered(properties: str, masker: Masker | None = None, **more: str) -> Trigger:
    """The trigger of a flow, typed; `properties` stand behind id, type, bucket and action."""
    text = f"- id: watch\n  type: {S3}\n  bucket: box\n  action: NONE\n" + properties
    flow = flow_of(TASKS, triggers=text, **more)
    return render_trigger(flow, flow.triggers[0], MemoryStorage(), masker or Masker())


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        pytest.param("raw/", "raw/", id="a text"),
        pytest.param("{{ vars.folder }}/{{ flow.id }}/", "in/made/", id="a variable and the flow"),
        pytest.param("{{ envs.stage }}/", "test/", id="an environment variable"),
        pytest.param("{{ inputs.place.folder }}/", "north/", id="the default of an input"),
        pytest.param("{{ labels.team.name }}/", "blue/", id="a label"),
        pytest.param("{{ read('nsfile:///prefix.txt') | trim }}", "named/", id="a file of the namespace"),
        pytest.param("{{ '2024-05-01T00:00:00Z' | date('yyyy/MM') }}/", "2024/05/", id="a function"),
    ],
)
def test_what_is_seen(prefix: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates see the flow, its variables, labels and defaults, the environment, and files of namespaces."""
    monkeypatch.setenv("ENV_STAGE", "test")
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "prefix.txt").write_text("named/\n")
    flow = flow_of(
        TASKS,
        triggers=f'- {{id: watch, type: {S3}, bucket: box, action: NONE, prefix: "{prefix}"}}',
        variables="folder: in",
        inputs="- {id: place.folder, type: STRING, defaults: north}\n- {id: other, type: INT}",
        labels="team.name: blue",
    )

    found: Any = render_trigger(flow, flow.triggers[0], MemoryStorage(), Masker(), namespace_files=tmp_path)

    assert expected == found.prefix


def test_types() -> None:
    """What a template gives becomes what the property is."""
    found: Any = rendered('  maxKeys: "{{ 2 + 3 }}"\n  interval: "PT{{ 7 }}S"\n  labels: {by: "{{ trigger.date }}"}\n')

    assert (5, 7.0, {"by": "{{ trigger.date }}"}) == (found.max_keys, found.interval.total_seconds(), found.labels)


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """`secret()` reads SECRET_<NAME> as base64, and its value is hidden from then on."""
    monkeypatch.setenv("SECRET_KEY_ID", base64.b64encode(b"AKIA-the-key").decode())
    monkeypatch.setenv("SECRET_KEY", base64.b64encode(b"the-very-secret").decode())
    masker = Masker()

    found: Any = rendered("  accessKeyId: \"{{ secret('KEY_ID') }}\"\n  secretKeyId: \"{{ secret('KEY') }}\"\n", masker)

    assert ("AKIA-the-key", "the-very-secret") == (found.access_key_id, found.secret_key_id)
    assert "it is ********" == masker.hide("it is the-very-secret")


@pytest.mark.parametrize(
    ("properties", "place", "reason"),
    [
        pytest.param(
            "  region: \"{{ secret('NOWHERE') }}\"\n",
            "flow.yaml:8:17",
            "Cannot find secret for key 'NOWHERE'",
            id="an unknown secret",
        ),
        pytest.param(
            '  prefix: "{{ vars.folder }}"\n', "flow.yaml:8:17", "unable to find 'vars'", id="an unknown variable"
        ),
        pytest.param(
            "  prefix: \"{{ read('nsfile:///no.txt') }}\"\n",
            "flow.yaml:8:17",
            "has no file 'no.txt'",
            id="a missing file",
        ),
        pytest.param(
            "  maxKeys: \"{{ 'many' }}\"\n",
            "flow.yaml:4:5",
            "'maxKeys': it must be a whole number, not the text 'many'",
            id="a wrong value",
        ),
        pytest.param(
            "  accessKeyId: \"{{ 'key' }}\"\n  secretKeyId: \"{{ '' }}\"\n",
            "flow.yaml:4:5",
            "'accessKeyId' and 'secretKeyId' belong together: give both, or neither to use the worker's credentials",
            id="half of the credentials",
        ),
    ],
)
def test_refused(properties: str, place: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be rendered, or does not fit then, is said with the trigger and its place in the file."""
    for name in [name for name in os.environ if name.startswith("SECRET_")]:
        monkeypatch.delenv(name)
    with pytest.raises(InvalidTrigger) as raised:
        rendered(properties)

    assert str(raised.value).startswith(f"{place}: trigger 'watch': ")
    assert reason in str(raised.value)


def test_place_in_a_default() -> None:
    """The place is that of the template, also where a plugin default brings it."""
    defaults = f"- type: {S3}\n  values:\n    region: \"{{{{ secret('NOWHERE') }}}}\""
    with pytest.raises(InvalidTrigger, match=r"^flow\.yaml:11:19: trigger 'watch': .*NOWHERE"):
        rendered("", pluginDefaults=defaults)


def test_secrets_are_hidden_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value that is secret is not said."""
    monkeypatch.setenv("SECRET_MANY", base64.b64encode(b"four-and-more").decode())
    with pytest.raises(InvalidTrigger) as raised:
        rendered("  maxKeys: \"{{ secret('MANY') }}\"\n")

    assert "four-and-more" not in str(raised.value)
