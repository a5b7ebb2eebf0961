"""Functions of Kestra that do not exist here: those of its user interface and of its Enterprise Edition."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from wdprefect.errors import ExpressionError

_ENTERPRISE = "does not exist here: it belongs to Kestra's Enterprise Edition"
REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "subflow": "does not exist here: a flow is run by a task",
        "credential": f"{_ENTERPRISE}; secret() reads a secret",
        "appLink": _ENTERPRISE,
        "assets": _ENTERPRISE,
    }
)


def subflow(*arguments: Any) -> NoReturn:
    """In Kestra the outputs of another flow, for the form of inputs.

    {{ subflow('company.team', 'other') }} → (error) function 'subflow': does not exist here: a flow is run by a task
    """
    _refuse("subflow", arguments)


def credential(*arguments: Any) -> NoReturn:
    """In Kestra's Enterprise Edition the token of a credential.

    with: {"token": "abc"}
    {{ token ?? credential('github') }} → abc
    """
    _refuse("credential", arguments)


def app_link(*arguments: Any) -> NoReturn:
    """In Kestra's Enterprise Edition the address of an app.

    with: {"address": "https://app.example"}
    {{ address ?? appLink('app') }} → https://app.example
    """
    _refuse("appLink", arguments)


def assets(*arguments: Any) -> NoReturn:
    """In Kestra's Enterprise Edition the assets of a flow.

    with: {"known": ["a"]}
    {{ known ?? assets() }} → ["a"]
    """
    _refuse("assets", arguments)


def _refuse(name: str, arguments: tuple[Any, ...]) -> NoReturn:
    del arguments
    raise ExpressionError(REFUSALS[name])
