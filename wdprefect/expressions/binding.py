"""Python functions as filters, functions and tests of the template language.

The public functions of a module are its names: `substring_before(value, separator)` is `substringBefore` with the
argument `separator`. A trailing underscore keeps clear of Python's own names (`max_`), a double one stands for the few
underscores that the language itself has (`replace__pairs`). Arguments without a default are required.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from wdprefect.errors import ExpressionError

_VARIADIC = 0x04


@dataclass(frozen=True, slots=True)
class Callee:
    """A filter, function or test: what to call, and which arguments a template gives it.

    scoped: whether its first parameter is `scope`. Who calls fills it, and `value`, which is the first one or follows.
    """

    call: Callable[..., Any]
    arguments: tuple[str, ...]
    defaults: tuple[Any, ...]
    variadic: bool
    scoped: bool

    def bind(self, given: Sequence[Any], named: Mapping[str, Any] | None) -> Sequence[Any]:
        """The arguments in the order of the signature.

        A null for an optional argument is as if it were left out. Raises ExpressionError for too many, unknown and
        missing ones; what declares no argument ignores what it is given, as in Kestra.
        """
        if self.variadic:
            return given
        if not self.arguments:
            return ()
        if len(given) > len(self.arguments):
            raise ExpressionError(f"takes {len(self.arguments)} arguments, not {len(given)}")
        values = [*given, *(None for _ in self.arguments[len(given) :])]
        for name, value in (named or {}).items():
            if name not in self.arguments:
                raise ExpressionError(f"has no argument '{name}' (it has {', '.join(self.arguments)})")
            values[self.arguments.index(name)] = value
        required = len(self.arguments) - len(self.defaults)
        for name in self.arguments[len(given) : required]:
            if name not in (named or {}):
                raise ExpressionError(f"needs the argument '{name}'")
        for index, default in enumerate(self.defaults, required):
            if values[index] is None:
                values[index] = default
        return values


def table(*modules: ModuleType) -> Mapping[str, Callee]:
    """The public functions of these modules by their names in templates."""
    found = {
        _camel(name): _callee(value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    return MappingProxyType(found)


def _callee(function: FunctionType) -> Callee:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    scoped = names[:1] == ("scope",)
    own = names[scoped:]
    arguments = tuple(map(_camel, own[own[:1] == ("value",) :]))
    return Callee(function, arguments, function.__defaults__ or (), bool(code.co_flags & _VARIADIC), scoped)


def _camel(name: str) -> str:
    if "__" in name:
        return name.replace("__", "_")
    first, *rest = name.rstrip("_").split("_")
    return first + "".join("URI" if part == "uri" else part.capitalize() for part in rest)
