"""Text → something that runs, by Jinja's environment with this language's parts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import nodes

from wdprefect.expressions.compiled import Compiled, Macro
from wdprefect.expressions.expression_generator import OPERATIONS
from wdprefect.expressions.generator import Generator
from wdprefect.expressions.limits import too_much, within_stack
from wdprefect.expressions.parsing import SyntaxEnvironment, parse
from wdprefect.expressions.runtime import Scope


class KestraEnvironment(SyntaxEnvironment):
    """Jinja's environment with this language's code generator and context."""

    code_generator_class = Generator
    context_class = Scope


@lru_cache(maxsize=1)
def _environment() -> KestraEnvironment:
    return KestraEnvironment(optimized=False, cache_size=0, autoescape=False)


@lru_cache(maxsize=1000)
def compiled(text: str) -> Compiled:
    """The runnable form of a text; the last 1,000 are kept. Raises as `parse` does."""
    return generated(text, parse(text))


def generated(text: str, tree: nodes.Template) -> Compiled:
    """The runnable form of a tree, which is that of the text or was made of it."""
    # The generated code needs no builtins: calls of its scope with constants are all it holds.
    namespace: dict[str, Any] = {"__builtins__": {}, "Macro": Macro, **OPERATIONS}
    with within_stack():
        source = _environment()._generate(tree, None, None)  # noqa: SLF001  # Jinja's hook for subclasses
        try:
            code = compile(source, "<template>", "exec")
        except SyntaxError as error:  # Python's own bounds: 20 nested loops, 100 indents, 200 brackets
            raise too_much(f"the template is nested too deep ({error.msg})") from None
        exec(code, namespace)  # noqa: S102  # see above
    return Compiled(text, namespace["root"], namespace["macros"], namespace["blocks"])
