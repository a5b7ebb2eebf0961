"""YAML text from and to plain data, as Kestra's filter and function of that name have it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.limits import joined
from wdprefect.expressions.values import CONTAINERS, LISTS, checked_size, to_text

if TYPE_CHECKING:
    import yaml

# Texts that may stand without quotes. What YAML would read as something else is quoted.
_PLAIN = re.compile(r"[A-Za-z_/.$(][^\x00-\x1f\x7f]*", re.ASCII | re.DOTALL)
_NOT_TEXT = re.compile(r"(?i)true|false|null|yes|no|on|off|y|n|\.nan|\.inf|[-+.\d][-+.\d_eExX:a-fA-F]*")


def dump(value: Any) -> str:
    """The value in block style, lists indented by one blank, quotes only where they are needed, with a line end."""
    checked_size(value)
    return _block(value, "").lstrip("\n").removeprefix(" ") + "\n" if _is_flat(value) else _block(value, "")[1:] + "\n"


def _is_flat(value: Any) -> bool:
    return not isinstance(value, CONTAINERS) or not value


def _block(value: Any, margin: str) -> str:
    """What follows `key:` or `-`: a blank and a scalar, or a new line and a block."""
    if isinstance(value, Mapping) and value:
        return joined(f"\n{margin}{_scalar(k)}:{_block(v, _deeper(v, margin))}" for k, v in value.items())
    if isinstance(value, LISTS) and value:
        return joined(f"\n{margin}-{_list_item(item, margin + '  ')}" for item in value)
    if isinstance(value, CONTAINERS):
        return " {}" if isinstance(value, Mapping) else " []"
    if isinstance(value, str) and "\n" in value:
        return _literal(value, margin)
    return " " + _scalar(value)


def _deeper(value: Any, margin: str) -> str:
    return margin + (" " if isinstance(value, LISTS) else "  ")


def _list_item(item: Any, margin: str) -> str:
    # A block in a list starts on the line of its dash.
    text = _block(item, margin)
    return " " + text.lstrip("\n").removeprefix(margin) if text.startswith("\n") else text


def _literal(text: str, margin: str) -> str:
    keep = "" if text.endswith("\n") and not text.endswith("\n\n") else "+" if text.endswith("\n") else "-"
    margin = margin or "  "
    lines = text.removesuffix("\n").split("\n")
    if text[0] in " \n\t" or "\r" in text:
        return " " + json.dumps(text, ensure_ascii=False)
    return f" |{keep}" + "".join(f"\n{margin if line else ''}{line}" for line in lines)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    text = to_text(value)
    if not isinstance(value, str):
        return text
    plain = _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text)
    if plain and ": " not in text and " #" not in text and not text.endswith((":", " ")):
        return text
    return json.dumps(text, ensure_ascii=False)


def load(text: str) -> Any:
    """The data of one YAML document: dates stay text, anchors are refused. Raises ExpressionError."""
    # Deferred: costs 15 ms, and few templates read YAML.
    import yaml

    class Loader(yaml.SafeLoader):
        """The pure Python loader: nested brackets end in a RecursionError, not in a crash as with the C library."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own class attribute
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":value"))]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ExpressionError("anchors are not supported in YAML here")
            return super().compose_node(parent, index)

    for kind, build in (("int", yaml.SafeLoader.construct_yaml_int), ("float", yaml.SafeLoader.construct_yaml_float)):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", _no_sexagesimal(build))
    try:
        return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise ExpressionError(f"the text is no YAML: {_on_one_line(error)}") from error


def _on_one_line(error: Any) -> str:
    place = getattr(error, "problem_mark", None)
    return f"{error.problem} (line {place.line + 1}, column {place.column + 1})" if place else str(error)


def _no_sexagesimal(build: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    # YAML 1.1 reads 1:30 as 90; Kestra does not.
    return lambda loader, node: node.value if ":" in node.value else build(loader, node)
