"""A loaded trigger to a typed one, outside of any run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wdprefect.errors import ExpressionError, InvalidTrigger, StorageError
from wdprefect.execution.inputs import unchecked_inputs
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.rendering import Rendering, rendered
from wdprefect.execution.run import nested_labels, visible_environment
from wdprefect.execution.services import FindSecret, RunServices, secret_of_environment
from wdprefect.expressions import Expressions
from wdprefect.loader.shape import reasons
from wdprefect.masking import Masker
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Storage
from wdprefect.model.trigger import Trigger, TriggerSpec
from wdprefect.storage.namespaces import open_namespaces
from wdprefect.storage.reader import Reader


def render_trigger(
    flow: Flow,
    spec: TriggerSpec,
    storage: Storage,
    masker: Masker,
    *,
    find_secret: FindSecret = secret_of_environment,
    namespace_files: Path | None = None,
) -> Trigger:
    """The trigger with its templates rendered; what its owner renders later is left as it is.

    They see the flow, its variables, labels and the defaults of its inputs, and `envs`; `secret()` asks `find_secret`,
    and what it gives is registered at the masker. Files that `read()` may reach are those of namespaces.

    Raises InvalidTrigger, or Unavailable where trying again may help.
    """
    reader = Reader(storage, open_namespaces(namespace_files, storage), flow.namespace)
    services = RunServices(masker, reader, LogBook(masker, ()), None, find_secret)
    render = Rendering(Expressions(), _scope(flow, masker), services)
    try:
        data = rendered(spec.kind, spec.data, render)
    except (ExpressionError, StorageError) as error:
        raise InvalidTrigger(flow.at_error(spec.path, error), spec.id, masker.hide(str(error))) from None
    try:
        return spec.kind.model_validate(data)
    except ValidationError as error:
        reason = masker.hide("; ".join(reasons(error, data)))
        raise InvalidTrigger(flow.at(spec.path), spec.id, reason) from None


def _scope(flow: Flow, masker: Masker) -> Mapping[str, Any]:
    """What the templates of a trigger see. Names without a content are absent, as in Kestra."""
    optional = {"inputs": unchecked_inputs(flow, {}, masker), "vars": flow.variables}
    return {
        "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision or 1},
        "labels": nested_labels(flow.labels),
        "envs": visible_environment(os.environ),
        "globals": {},
        **{name: value for name, value in optional.items() if value},
    }
