"""Functions that read what is stored outside of the flow: secrets and the key-value store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text
from wdprefect.expressions.values import to_text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def secret(scope: Scope, key: Any, namespace: Any = None, subkey: Any = None) -> str:
    """A secret.

    subkey: an entry of a secret that is a JSON map.

    {{ secret('API_KEY') | length }} → 4
    {{ secret('LOGIN', subkey='user') }} → ada
    """
    name = text(key, "key")
    try:
        value = scope.service("secret")(name, namespace)
    except LookupError as error:
        raise ExpressionError(f"Cannot find secret for key '{name}'.") from error
    if subkey is None or subkey == "":
        return str(value)
    entry = _entry(str(value), name, text(subkey, "subkey"))
    if scope.masker:
        scope.masker.register(entry)
    return entry


def _entry(value: str, name: str, subkey: str) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        # Not chained: the message of the JSON parser may hold a part of the secret.
        message = f"Failed to read secret sub-key '{subkey}' from secret '{name}'. "
        raise ExpressionError(f"{message}Ensure the secret contains valid JSON value.") from None
    if not isinstance(found, dict) or subkey not in found:
        raise ExpressionError(f"Cannot find secret sub-key '{subkey}' in secret '{name}'.")
    return to_text(found[subkey])


def kv(scope: Scope, key: Any, namespace: Any = None, error_on_missing: Any = None) -> Any:
    """A value of the key-value store; without a namespace that of the flow is searched, then its parents.

    errorOnMissing: null instead of an error where it is false.

    {{ kv('region') }} → eu
    {{ kv('rows')[1] }} → 2
    {{ kv('gone', errorOnMissing=false) ?? 'none' }} → none
    """
    name = text(key, "key")
    home = scope.variable("flow", "namespace") if namespace is None else text(namespace, "namespace")
    parts = str(home or "").split(".")
    candidates = [".".join(parts[:n]) for n in range(len(parts), 0, -1)] if namespace is None else [str(home)]
    read = scope.service("kv")
    for candidate in candidates:
        try:
            return read(name, candidate)
        except LookupError:
            continue
    if error_on_missing is False:
        return None
    raise ExpressionError(f"The key '{name}' does not exist in the namespace '{home}'.")
