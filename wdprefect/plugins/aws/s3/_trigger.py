"""`Trigger`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from wdprefect.loader.shape import has_template
from wdprefect.model import trigger
from wdprefect.model.keys import in_folder, is_shown, moved_key
from wdprefect.model.node import Bool, Duration, Int, Late, Node, Text, problem
from wdprefect.plugins.aws._moves import Acting, Action, MoveTo
from wdprefect.plugins.aws.s3._listing import Selection

_LOG = "leave it out: what the trigger does is said by the program that listens"


class OnFailure(Node):
    """What becomes of the objects of a run that failed."""

    move_to: MoveTo


class Trigger(Selection, Acting, trigger.Trigger):
    """Start the flow with the objects that arrive in a bucket: once for each version of each object.

    Every `interval` the bucket is listed: `prefix`, `delimiter` and `marker` are S3's own, `filter` takes files or the
    empty objects whose key ends with `/` (`DIRECTORY`), `regexp` must match the whole key. With `queueUrl`, the queue
    of Amazon SQS to which the bucket reports, objects are seen as they arrive, and the listing catches what a report
    missed. `on` says whether new keys count, new versions of known ones (`UPDATE`), or both.

    A run gets at most so many objects as the smaller one of `maxKeys` and `maxFiles`; what is left comes with the next,
    which starts when the one before has ended, or at once with `allowConcurrent: true`.
    They are copied to the files of the run first: `trigger.objects` is a list of maps with `uri`, `key`, `etag`,
    `size`, `lastModified`, `owner` and `changeType` (`CREATE` or `UPDATE`).

    When the run has succeeded, `action` follows: `DELETE`, `NONE`, or `MOVE` into the folder `moveTo.key`, in the same
    bucket or in `moveTo.bucket`. The path below the prefix is kept. `onFailure.moveTo` is where the objects go when the
    run has failed; without it they stay, and do not start the flow again. `compat: kestra` acts before the run starts,
    and keeps the last part of the key alone.

    What was seen is remembered under `stateKey`, which is made of namespace, flow and trigger, for as long as
    `stateTtl` says, or for ever. `labels` are those of the runs. `startBy: automation` lets a Prefect automation start
    them, with one object each: `maxKeys` and `maxFiles` above 1 are refused then.

    ```yaml
    id: take-in
    namespace: company.team
    tasks:
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: "{{ trigger.objects | jq('.[].uri') }}"
        tasks:
          - id: show
            type: io.kestra.plugin.core.log.Log
            message: "{{ read(taskrun.value) }}"
    triggers:
      - id: arrived
        type: io.kestra.plugin.aws.s3.Trigger
        interval: PT10S
        bucket: my-bucket
        prefix: raw/
        filter: FILES
        action: MOVE
        moveTo:
          key: archive/
        onFailure:
          moveTo:
            key: failed/
        accessKeyId: "{{ secret('AWS_ACCESS_KEY_ID') }}"
        secretKeyId: "{{ secret('AWS_SECRET_ACCESS_KEY') }}"
        region: eu-central-1
    ```
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "conditions": "choose objects by 'prefix' and 'regexp', or put the condition into 'runIf' of the tasks",
        "when": "choose objects by 'prefix' and 'regexp', or put the condition into 'runIf' of the tasks",
        "stopAfter": "leave it out: 'onFailure.moveTo' takes the objects of failed runs out of the way",
        "failOnTriggerError": _LOG,
        "logLevel": _LOG,
        "minLogLevel": _LOG,
        "logToFile": _LOG,
        "assets": "leave it out: the objects are in 'trigger.objects'",
        "workerGroup": "leave it out: the trigger is followed where it is listened to",
    }

    interval: Duration = Field(default=timedelta(seconds=60), gt=timedelta(0))
    action: Action
    max_files: Int = Field(default=25, ge=1)
    on: Literal["CREATE", "UPDATE", "CREATE_OR_UPDATE"] = "CREATE_OR_UPDATE"
    state_key: Text | None = Field(default=None, min_length=1)
    state_ttl: Duration | None = None
    labels: Late[dict[str, Any]] = Field(default={})
    allow_concurrent: Bool = False
    # Those that Kestra has not.
    queue_url: Text | None = None
    on_failure: OnFailure | None = None
    compat: Literal["kestra"] | None = None
    start_by: Literal["direct", "automation"] = "direct"

    @property
    def most(self) -> int:
        """How many objects a run gets at most."""
        # Each event starts a run.
        return 1 if self.start_by == "automation" else min(self.max_keys, self.max_files)

    def archived(self, key: str, to: MoveTo) -> str:
        """The key that an object has in an archive."""
        return moved_key(to.key, key, self.prefix, base_name_only=self.compat == "kestra")

    @model_validator(mode="after")
    def _order_is_one(self) -> Trigger:
        if self.compat is not None and self.on_failure is not None:
            raise ValueError("'onFailure' has no effect with 'compat: kestra', which acts before the run starts")
        return self

    @model_validator(mode="after")
    def _most_is_one_by_automation(self) -> Trigger:
        limits = {"max_files": ("maxFiles", self.max_files), "max_keys": ("maxKeys", self.max_keys)}
        given = [limit for name, limit in limits.items() if name in self.model_fields_set]
        if self.start_by == "automation" and given and min(number for _, number in given) > 1:
            said = " and ".join(f"'{name}: {number}'" for name, number in given)
            message = f"{said}: with 'startBy: automation' each run gets one object"
            hint = "write 1, or leave 'startBy' out: a listener starts runs with several objects"
            raise problem("WD334", message, hint, given[0][0])
        return self

    @model_validator(mode="after")
    def _archive_is_not_watched(self) -> Trigger:
        for to, at in self._archives():
            if self._is_watched(to):
                place = "below the prefix" if self.prefix else "in the bucket"
                reason = "what is moved there would start the flow again"
                message = f"the archive '{to.key}' lies {place} that the trigger watches: {reason}"
                hint = "name a folder beside the prefix, or another bucket"
                raise problem("WD331", message, hint, *at, "moveTo", "key")
        return self

    def _archives(self) -> Iterator[tuple[MoveTo, tuple[str, ...]]]:
        """The folders that objects are moved to, and where in the trigger they are named."""
        if self.action == "MOVE" and self.move_to:
            yield self.move_to, ()
        if self.on_failure:
            yield self.on_failure.move_to, ("onFailure",)

    def _is_watched(self, to: MoveTo) -> bool:
        """Whether what is moved there is seen, as far as that is certain."""
        if to.bucket not in (None, self.bucket) or has_template([self.prefix, self.delimiter, self.regexp]):
            return False
        begins = re.split(r"\{[{%]", to.key, maxsplit=1)[0] if has_template(to.key) else in_folder(to.key, "")
        if not is_shown(begins, self.prefix, self.delimiter):
            return False
        if self.regexp is None:
            return True
        return not has_template(to.key) and any(self._comes_back(key, to) for key in self._keys())

    def _keys(self) -> Iterator[str]:
        """Keys as the regular expression may want them."""
        endings = re.findall(r"\\(\.\w+)", self.regexp or "")
        for ending in ("", "".join(endings), *endings):
            yield f"{self.prefix or ''}x{ending}"

    def _comes_back(self, key: str, to: MoveTo) -> bool:
        return self.takes(key) and self.takes(self.archived(key, to))
