"""What compiled templates call while they run: names, attributes, operators, loops, macros, filters, functions.

No attribute of a Python object is ever reached from a template: maps and lists are read by key and index, and what else
can be asked of a value stands in methods.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, NoReturn, Protocol, TypeVar

from jinja2.runtime import Context

from wdprefect.errors import ExpressionError, StorageError, UnsafePath, WdprefectError
from wdprefect.expressions import numbers
from wdprefect.expressions.binding import Callee
from wdprefect.expressions.compiled import Body, Compiled, Macro
from wdprefect.expressions.filters import FILTERS
from wdprefect.expressions.functions import FUNCTIONS
from wdprefect.expressions.lexer import line_and_column
from wdprefect.expressions.limits import (
    LOOP_ROUNDS,
    LOOP_SECONDS,
    MATCHING_SECONDS,
    Budget,
    checked_text,
    joined,
    too_much,
)
from wdprefect.expressions.loops import Loop
from wdprefect.expressions.methods import FORBIDDEN, call_method
from wdprefect.expressions.predicates import TESTS
from wdprefect.expressions.secrecy import SecretReads
from wdprefect.expressions.services import Services
from wdprefect.expressions.values import CONTAINERS, LISTS, describe, entries, to_java_text, to_text, truth
from wdprefect.masking import SECRETS_READ, notice

# What the name `locale` gives where no variable has it: the language is always English here.
LOCALE = "en_US"


class Missing(Exception):  # a signal that `??` and others catch; the renderer turns it into an error
    """A name, key or index that does not exist; `at` is its offset in the text."""

    def __init__(self, name: str, at: int) -> None:
        self.name, self.at = name, at
        super().__init__(name, at)


T = TypeVar("T")


class Nested(Protocol):
    """Renders data with the names that are visible in a scope."""

    def __call__(self, scope: Scope, data: Any, *, once: bool) -> Any:
        """The same data with its texts rendered once, or until they no longer change."""


class Scope(SecretReads, Context):
    """The state of one rendering: the visible names and everything that generated code calls."""

    def __init__(
        self,
        template: Compiled,
        variables: Mapping[str, Any],
        services: Services | None,
        nested: Nested | None,
        *,
        keep_raw: bool = False,
    ) -> None:
        """Start with a copy of the variables. Jinja's own state (exports, evaluation context) is not used here.

        nested: renders other data with the names visible now; None where `render` does not exist.
        keep_raw: raw blocks keep their tags, for another pass to see them.
        """
        self.template, self.services, self.nested, self.keep_raw = template, services, nested, keep_raw
        # Innermost first.
        self.scopes: tuple[dict[str, Any], ...] = (dict(variables),)
        # How many rounds loops had, and when they must have come to their end.
        self.rounds, self.end = 0, math.inf
        self.matching = Budget(MATCHING_SECONDS)
        self.reads, self.suspects = SECRETS_READ.get(), frozenset()

    def __repr__(self) -> str:
        """How many names are visible; their values may be secret."""
        return f"<{type(self).__name__} of {len(self.visible())} names>"

    # Names

    def lookup(self, name: str, at: int) -> Any:
        """The value of a name in the innermost scope that has it; a null counts."""
        for scope in self.scopes:
            if name in scope:
                if self.suspects and name in self.suspects:
                    notice()
                return scope[name]
        if name == "locale":
            return LOCALE
        raise Missing(name, at)

    def assign(self, name: str, value: Any) -> None:
        """Change the innermost variable of this name, or make one in the current scope."""
        self.suspect(name)
        for scope in self.scopes:
            if name in scope:
                scope[name] = value
                return
        self.scopes[0][name] = value

    def changed(self, value: Any, new: T) -> T:
        """The new value, which variables of this template hold from now on in place of the old one.

        Kestra's filters change the list itself, wherever else it is used. Here it may be another task's.
        """
        for scope in self.scopes:
            for name, held in scope.items():
                if held is value:
                    scope[name] = new
        return new

    def visible(self) -> dict[str, Any]:
        """All names visible now, with their values."""
        if self.suspects:
            notice()
        merged: dict[str, Any] = {}
        for scope in reversed(self.scopes):
            merged.update(scope)
        return merged

    def attribute(self, value: Any, name: str, at: int, owner: str | None = None) -> Any:
        """`value.name`: an entry of a map, or one of the few properties in methods.py.

        owner: the variable that `value` comes from; a null there is reported under its name.
        """
        # `isinstance` of an abstract class costs more than all the rest; nearly every map is a dict.
        if type(value) is dict or isinstance(value, Mapping):
            if name in value:
                return value[name]
            raise Missing(name, at)
        if value is None:
            raise Missing(owner or name, at)
        return self.method(value, name, (), at)

    def method(self, value: Any, name: str, args: Sequence[Any], at: int) -> Any:
        """`value.name(args)` for the methods that methods.py allows; others are missing, Java's reflection refused."""
        if name in FORBIDDEN:
            self.fail(f"access to '{name}' is denied", at)
        try:
            return call_method(value, name, args)
        except LookupError:
            raise Missing(self.name_of(name), at) from None
        except ExpressionError as error:
            raise self.placed(error, at, name, (value, *args)) from error
        except (RecursionError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever a method cannot do with its arguments
            self.fail(f"{name}: {self.reason(error, (value, *args))}", at, error)

    def item(self, value: Any, key: Any, at: int, owner: str | None = None) -> Any:
        """`value[key]`: an entry of a map, or an item of a list by its index, which may also be text."""
        if type(value) is dict or isinstance(value, Mapping):
            try:
                if key in value:
                    return value[key]
            except TypeError:  # an unhashable key is in no map
                raise Missing(self.name_of(key), at) from None
            if numbers.is_number(key) and value and not numbers.is_number(next(iter(value))):
                self.fail(f"the keys of the map are no numbers, so it has no {to_text(key)}", at)
        elif isinstance(value, LISTS):
            index = to_text(key)
            if index.isascii() and index.isdigit() and int(index[:18]) < len(value):
                return (value if isinstance(value, list | tuple) else list(value))[int(index)]
        elif value is None and owner:
            raise Missing(owner, at)
        # As Kestra does: the properties and methods in methods.py by their names, `'abc'['length']`.
        if isinstance(key, str):
            return self.method(value, key, (), at)
        raise Missing(self.name_of(key), at)

    # Operators

    def attempt(self, operand: Callable[[], Any]) -> Any:
        """The value of the operand, or None where something in it is missing."""
        try:
            return operand()
        except Missing:
            return None

    def either(self, operand: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """`operand ?? other`: the first that is neither missing nor null."""
        try:
            value = operand()
        except Missing:
            return other()
        return other() if value is None else value

    def existing(self, operand: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """`operand ??? other`: the first that is not missing, be it null."""
        try:
            return operand()
        except Missing:
            return other()

    def guarded(self, operand: Callable[[], Any], at: int) -> Any:
        """An operand whose missing names are errors that nothing catches."""
        try:
            return operand()
        except Missing as missing:
            self.fail(f"unable to find '{missing.name}' used in the operation", at, missing)

    def needed(self, name: str, at: int) -> Any:
        """As `lookup`, in an operation that lets no missing name through."""
        for scope in self.scopes:
            if name in scope:
                if self.suspects and name in self.suspects:
                    notice()
                return scope[name]
        return self.guarded(lambda: self.lookup(name, at), at)

    def operate(self, operation: Callable[..., Any], at: int, *operands: Any) -> Any:
        """The result of an operation on values, its failures given their place."""
        try:
            return operation(*operands)
        except ExpressionError as error:
            raise self.placed(error, at, operands=operands) from error

    def truth(self, value: Any, at: int) -> bool:
        """The truth of an operand of `and`, `or`, `not` or of an `if`; null is an error."""
        if value is True or value is False:
            return bool(value)
        return bool(self.operate(truth, at, value))

    def choice(self, value: Any, at: int) -> bool:
        """The truth of what stands before `?`; null is false."""
        return value is not None and self.truth(value, at)

    def join(self, *parts: Any) -> str:
        """`a ~ b`: the texts in Java's form, null as nothing."""
        return joined(["" if part is None else to_java_text(part) for part in parts])

    def mapping(self, at: int, *pairs: tuple[Any, Any]) -> dict[Any, Any]:
        """The map of a literal; of equal keys the first one stays, as in Kestra."""
        try:
            made = dict(pairs)
            return made if len(made) == len(pairs) else {key: dict(reversed(pairs))[key] for key in made}
        except TypeError:
            self.fail("a list or a map cannot be the key of a map", at)

    # Calls

    def filtered(self, name: str, at: int, args: Sequence[Any], named: Mapping[str, Any] | None, value: Any) -> Any:
        """`value | name(args)`."""
        callee = FILTERS.get(name)
        if callee is None:
            self.fail(f"unknown filter '{name}'", at)
        provided = (self, value) if callee.scoped else (value,)
        return self._called(callee, f"filter '{name}'", at, args, named, provided)

    def tested(self, name: str, at: int, args: Sequence[Any], named: Mapping[str, Any] | None, value: Any) -> bool:
        """`value is name(args)`."""
        callee = TESTS.get(name)
        if callee is None:
            self.fail(f"unknown test '{name}'", at)
        return bool(self._called(callee, f"test '{name}'", at, args, named, (value,)))

    def called(self, name: str, at: int, args: Sequence[Any], named: Mapping[str, Any] | None) -> Any:
        """`name(args)`: a macro or a function."""
        callee = FUNCTIONS.get(name)
        if callee is None:
            macro = self.template.macros.get(name)
            if macro is None:
                self.fail(f"function or macro '{name}' does not exist", at)
            return self._expanded(macro, name, at, args, named or {})
        return self._called(callee, f"function '{name}'", at, args, named, (self,) if callee.scoped else ())

    def _called(
        self,
        callee: Callee,
        what: str,
        at: int,
        args: Sequence[Any],
        named: Mapping[str, Any] | None,
        provided: tuple[Any, ...],
    ) -> Any:
        try:
            result = callee.call(*provided, *callee.bind(args, named))
        except Missing:
            raise
        except ExpressionError as error:
            raise self.placed(error, at, what, (*provided, *args, *(named or {}).values())) from error
        except (StorageError, UnsafePath) as error:
            self.fail(f"{what}: {self.reason(error, args)}", at, error)
        except (WdprefectError, RecursionError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # as Kestra does: whatever fails in a call is an error of the template
            self.fail(f"{what}: {self.reason(error, (*provided, *args))}", at, error)
        return checked_text(result) if isinstance(result, str) else result

    def service(self, name: str) -> Callable[..., Any]:
        """A method of the services; an ExpressionError where they have it not."""
        method = getattr(self.services, name, None)
        if not callable(method):
            raise ExpressionError("is not available here")
        return method  # type: ignore[no-any-return]  # what the protocol says

    def variable(self, *path: str) -> Any:
        """The value at a path of names, None where there is none."""
        value: Any = self.visible()
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    # Statements

    def loop(self, name: str, values: Any, at: int) -> Loop:
        """The rounds of `{% for name in values %}`: each binds the name in a scope of its own."""
        if values is None:
            return Loop(self, name, None)
        if not isinstance(values, CONTAINERS):
            self.fail(f"{describe(values)} cannot be looped over", at)
        if not self.rounds:
            self.end = monotonic() + LOOP_SECONDS
        self.rounds += len(values)
        if self.rounds > LOOP_ROUNDS:
            raise self.placed(too_much(f"the loops have more than {LOOP_ROUNDS:,} rounds"), at)
        is_map = isinstance(values, Mapping)
        rounds = entries(values) if is_map else list(values)
        self.suspect(name)
        return Loop(self, name, rounds)

    def raw(self, body: str) -> str:
        """A raw block: its body, or in a pass before the last one the whole block."""
        return "{% raw %}" + body + "{% endraw %}" if self.keep_raw else body

    def captured(self, body: Body) -> str:
        """What a body prints, in Java's text form."""
        # Whoever prints the text asks what was read for it.
        saved, reads = self.scopes, self.reads
        try:
            return joined(p if type(p) is str else to_java_text(p[0]) for p in self._printed(body))
        finally:
            # A `??` may catch what ends a loop in the middle.
            self.scopes, self.reads = saved, reads

    def _printed(self, body: Body) -> Iterator[Any]:
        return (p for p in body(self) if type(p) is str or p[0] is not None)

    def block(self, name: str) -> Iterable[Any]:
        """What the block of this name prints; nothing where there is none."""
        body = self.template.blocks.get(name)
        return body(self) if body else ()

    def _expanded(self, macro: Macro, name: str, at: int, args: Sequence[Any], named: Mapping[str, Any]) -> str:
        if len(args) > len(macro.parameters):
            self.fail(f"macro '{name}' takes {len(macro.parameters)} arguments, not {len(args)}", at)
        for key in named:
            if key not in macro.parameters:
                self.fail(f"macro '{name}' has no argument '{key}'", at)
        saved = self.scopes
        local: dict[str, Any] = {}
        # No outer variable is visible in a macro.
        self.scopes = (local,)
        try:
            for parameter, default in macro.parameters.items():
                local[parameter] = default(self) if default else None
            local.update(zip(macro.parameters, args, strict=False))
            local.update(named)
            return self.captured(macro.body)
        finally:
            self.scopes = saved

    # Errors

    def fail(self, message: str, at: int, cause: BaseException | None = None) -> NoReturn:
        """Raise an evaluation error with its place in the template."""
        raise self.placed(ExpressionError(message), at) from cause

    def placed(self, error: ExpressionError, at: int, what: str = "", operands: Iterable[Any] = ()) -> ExpressionError:
        """The same error with its place in this template."""
        line, column = line_and_column(self.template.source, at)
        words = self.reason(error, operands)
        message = f"{what}: {words}" if what and error.kind == "evaluation" else words
        return ExpressionError(message, error.kind, error.name, line, column, error.at)
