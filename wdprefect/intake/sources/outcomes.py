"""How a source fares: what it has shown, or what keeps it from doing so, with the code to look up and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wdprefect.errors import WdprefectError
from wdprefect.intake.watch import Shown
from wdprefect.storage.aws_failures import aws_errors, cause_code, diagnosis_of, next_step


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a source cannot do.

    code: what the server answered, or the name of an exception. text: what is wrong, where, and what to do.
    is_passing: whether trying again may help although nobody does anything.
    """

    code: str
    text: str
    is_passing: bool

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round of a source. failures: how many in a row have ended with a fault, this one included."""

    source: str
    shown: Shown
    seconds: float
    fault: Fault | None = None
    failures: int = 0


Report = Callable[[Outcome], None]

_LATER = "it is tried again"
# What to do, by the kind of what is wrong, where another thing is to be said to whoever writes triggers.
_OF_TRIGGERS: Mapping[str, str] = {
    "credentials": (
        "check the access key and its secret: the trigger's properties or block, the AWS_… variables, or the profile"
    ),
    "bucket": "make it, or correct the trigger's 'bucket'",
    "bucket name": "correct the trigger's 'bucket'",
    "region": "set the region of the connection to its own",
    "code": "look up the code in the server's manual",
    "settings": "check the connection's properties",
}
_NO_QUEUE = ("there is no such queue", "make it, or correct 'queueUrl'")
# What is wrong and what to do, by the codes of queues, and by one that means no file here.
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "AWS.SimpleQueueService.NonExistentQueue": _NO_QUEUE,
    "QueueDoesNotExist": _NO_QUEUE,
    "InvalidAddress": ("this is no queue's address", "correct 'queueUrl'"),
    "404": ("nothing is there", "check the endpoint's address, 'bucket' and 'queueUrl'"),
}


def fault_of(error: Exception, doing: str, permission: str, later: str = _LATER) -> Fault:
    """What an exception means.

    doing: what could not be done, such as `list the bucket 'in'`. permission: what to allow where that was denied.
    later: what is said of what may pass.
    """
    if isinstance(error, WdprefectError):
        # What the book or the storage says for itself has its place and its next step.
        return Fault(cause_code(error), f"cannot {doing}: {error}", is_passing=True)
    if not isinstance(error, aws_errors()):
        code = type(error).__name__
        return Fault(code, f"cannot {doing}: {str(error) or 'it failed'} ({code}); {later}", is_passing=True)
    found = diagnosis_of(error)
    of_time = {"later": later, "log": f"{later}; the server's log may say more"}
    step = next_step(found.kind, {**_OF_TRIGGERS, **of_time, "permission": f"allow {permission}"})
    what, step = _ANSWERS.get(found.code, (found.what, step))
    return Fault(found.code, f"cannot {doing}: {what} ({found.code}); {step}", found.passing is not None)
