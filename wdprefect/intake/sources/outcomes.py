"""How a source fares: what it has shown, or what keeps it from doing so, with the code to look up and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.errors import WdprefectError
from wdprefect.intake.watch import Shown
from wdprefect.storage.aws_failures import status_of


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

_CREDENTIALS = "check the access key and its secret: the properties of the trigger, the AWS_… variables, or the profile"
_REGION = "set the region of the connection to its own"
_REACH = "check the endpoint's address and port, the network and the proxy"
_LATER = "it is tried again"

# What is wrong and what to do, by the code that is answered. A HEAD has no body, so its code is the HTTP status.
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "make it, or correct the trigger's 'bucket'"),
    "InvalidBucketName": ("the bucket's name is not valid", "correct the trigger's 'bucket'"),
    "InvalidAccessKeyId": ("the access key is not known there", _CREDENTIALS),
    "InvalidClientTokenId": ("the access key is not known there", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret does not belong to the access key", _CREDENTIALS),
    "InvalidToken": ("the session token is not valid", _CREDENTIALS),
    "ExpiredToken": ("the session token has expired", "sign in anew, or renew the credentials"),
    "RequestTimeTooSkewed": (
        "the clocks of this machine and of the server differ too much",
        "set this machine's clock",
    ),
    "AuthorizationHeaderMalformed": ("it is in another region", _REGION),
    "PermanentRedirect": ("it is in another region", _REGION),
    "301": ("it is in another region", _REGION),
    "AWS.SimpleQueueService.NonExistentQueue": ("there is no such queue", "make it, or correct 'queueUrl'"),
    "QueueDoesNotExist": ("there is no such queue", "make it, or correct 'queueUrl'"),
    "InvalidAddress": ("this is no queue's address", "correct 'queueUrl'"),
}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "AllAccessDisabled"})
_PASSING = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "RequestTimeout", "RequestLimitExceeded"}
)
_SERVER_ERROR, _NOT_IMPLEMENTED = 500, 501


def fault_of(error: Exception, doing: str, permission: str) -> Fault:
    """What an exception means.

    doing: what could not be done, such as `list the bucket 'in'`. permission: what to allow where that was denied.
    """
    # A client has loaded them already; at module level they would cost every command a quarter of a second.
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        return _answered(error, doing, permission)
    if isinstance(error, BotoCoreError):
        return _unanswered(error, doing)
    if isinstance(error, WdprefectError):
        # What the book or the storage says for itself has its place and its next step.
        return Fault(type(error).__name__, f"cannot {doing}: {error}", is_passing=True)
    return _fault(doing, str(error) or "it failed", type(error).__name__, _LATER, is_passing=True)


def _answered(error: Any, doing: str, permission: str) -> Fault:
    said = error.response.get("Error", {})
    status = status_of(error)
    code = str(said.get("Code") or status)
    if code in _PASSING or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED):
        return _fault(doing, "the server is overloaded or broken", code, _LATER, is_passing=True)
    if code in _DENIED:
        return _fault(doing, "access is denied", code, f"allow {permission}", is_passing=False)
    refusal = (said.get("Message") or "the server refuses", "look up the code in the server's manual")
    what, next_step = _ANSWERS.get(code, refusal)
    return _fault(doing, what, code, next_step, is_passing=False)


def _unanswered(error: Exception, doing: str) -> Fault:
    from botocore import exceptions  # loaded already, see above

    code = type(error).__name__
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return _fault(doing, "there are no credentials", code, _CREDENTIALS, is_passing=False)
    if isinstance(error, exceptions.SSLError):
        trust = "the server's certificate is not trusted"
        return _fault(doing, trust, code, "name its authority in AWS_CA_BUNDLE", is_passing=False)
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return _fault(doing, "the server cannot be reached", code, _REACH, is_passing=True)
    return _fault(doing, str(error), code, "check the connection's properties", is_passing=False)


def _fault(doing: str, what: str, code: str, next_step: str, *, is_passing: bool) -> Fault:
    return Fault(code, f"cannot {doing}: {what} ({code}); {next_step}", is_passing)
