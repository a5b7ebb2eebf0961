"""The parameters of the flow that listens: what makes no sense fails its run before anything is listened for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from wdprefect.cli import listen
from wdprefect.on_prefect.listen_flow import listen_flow

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_api")]


async def ended(**parameters: Any) -> State[Any]:
    """The state in which a run of the flow ends."""
    state: State[Any] = await listen_flow(**parameters, return_state=True)
    return state


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"runs": 0}, "--runs is a number from 1 on", id="runs"),
        pytest.param(
            {"runner": "docker"},
            "--runner is for --warm: workers are told where commands run by WDPREFECT_RUNNER",
            id="runner",
        ),
        pytest.param(
            {"webhook": "8080"}, "--webhook takes HOST:PORT, such as 127.0.0.1:8080, not '8080'", id="no host"
        ),
        pytest.param(
            {"health": "here:x"}, "--health takes HOST:PORT, such as 127.0.0.1:8080, not 'here:x'", id="no port"
        ),
        pytest.param(
            {"sns_topics": ["x"]}, "--sns-topic is for --webhook HOST:PORT, which is not there", id="no webhook"
        ),
        pytest.param(
            {"webhook": "127.0.0.1:0", "sns_topics": ["mine"]},
            "--sns-topic takes the ARN of a topic, such as arn:aws:sns:REGION:ACCOUNT:NAME, not 'mine'",
            id="no ARN",
        ),
        pytest.param(
            {"webhook_token_file": "x"},
            "--webhook-token-file is for --webhook HOST:PORT, which is not there",
            id="token",
        ),
        pytest.param(
            {"webhook": "127.0.0.1:0", "webhook_token_file": "/nowhere"},
            "the file of the token '/nowhere' cannot be read: No such file or directory",
            id="no file",
        ),
        pytest.param(
            {"webhook": "127.0.0.1:0", "health": "127.0.0.1:0"},
            "--health is for listeners without --webhook, which answers /health at its own address",
            id="twice",
        ),
    ],
)
def test_refused(parameters: dict[str, Any], message: str) -> None:
    """The words are those of the command."""
    state = asyncio.run(ended(**parameters))
    assert ("FAILED", message) == (state.type.value, state.message)


def test_parameters() -> None:
    """Each option of the command is a parameter."""
    import argparse

    parser = argparse.ArgumentParser()
    listen.add_arguments(parser)
    options = {action.dest for action in parser._actions} - {"help"}
    renamed = {"sns_topic": "sns_topics"}
    assert {renamed.get(name, name) for name in options} == set(listen_flow.parameters.properties)
