"""Expressions: that they parse, and then what they use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wdprefect.errors import ExpressionError
from wdprefect.expressions.references import Uses
from wdprefect.loader.checks.calls import check_calls
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.names import check_names
from wdprefect.loader.checks.outputs import check_outputs
from wdprefect.loader.checks.shells import check_shells
from wdprefect.loader.checks.texts import Template, templates_of
from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings
from wdprefect.model.task import Path

TextCheck = Callable[[Template, Uses, Known, Findings], None]
# One function each, which takes a template that was parsed once for all of them.
TEXT_CHECKS: tuple[TextCheck, ...] = (check_calls, check_names, check_outputs, check_shells)


def check_templates(draft: Draft, findings: Findings) -> None:
    """Every template of tasks, triggers and the flow's outputs; the place is that of the error inside the template."""
    known = Known(draft)
    for template in templates_of(draft):
        _check(template, known, findings, ())


def _check(template: Template, known: Known, findings: Findings, above: tuple[Path, ...]) -> None:
    try:
        used = known.uses(template.text)
    except ExpressionError as error:
        findings.add_at(findings.at_text(template.path, error.line, error.column), "WD320", str(error))
        return
    for check in TEXT_CHECKS:
        check(template, used, known, findings)
    for reference in used.references:
        for path, text in known.rendered_by(reference):
            # A variable that renders itself ends at a limit, when it runs.
            if path not in above:
                inner = replace(template, text=text, path=path, is_variable=True)
                _check(inner, known, findings, (*above, path))
