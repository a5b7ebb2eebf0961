"""The expression language of flows: `{{ }}`, `{% %}` and `{# #}` as Kestra has them, on Jinja's machinery."""

from wdprefect.expressions.parsing import check_syntax
from wdprefect.expressions.references import Reference, references
from wdprefect.expressions.rendering import Expressions
from wdprefect.expressions.services import Services
from wdprefect.expressions.values import is_true, to_json, to_text

__all__ = ["Expressions", "Reference", "Services", "check_syntax", "is_true", "references", "to_json", "to_text"]
