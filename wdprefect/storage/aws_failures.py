"""What S3 or the way to it refuses, as errors of the storage that name bucket, key, code and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.storage.patience import Damaged, Silent


@dataclass(frozen=True, slots=True)
class Place:
    """A file in S3: its URI and where that is."""

    uri: str
    bucket: str
    key: str
    endpoint: str

    def describe(self, verb: str, what: str, code: str, next_step: str) -> str:
        """The text of an error: what is wrong, where, the code to look up, and what to do."""
        where = f"{code}, bucket '{self.bucket}', key '{self.key}' at {self.endpoint}"
        return f"cannot {verb} '{self.uri}': {what} ({where}); {next_step}"


_CREDENTIALS = "check the access key and its secret: the AWS_… variables, the profile, or the Prefect block"
_PERMISSION = (
    "allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket; "
    "without the last a missing file looks like this too"
)
_BUCKET = "make the bucket, or name another one with --storage"
_REGION = "set AWS_DEFAULT_REGION, or the region in the Prefect block, to the bucket's"
_LATER = "try again later"
_SERVER_LOG = "try again later, and look at the server's log: a full disk may look like this"
_FULL = ("the storage is full", "free some space there, raise its quota, or keep files elsewhere with --storage")
_REACH = "check the endpoint's address and port, the network and the proxy"

# What is wrong and what to do, by the code that S3 answers. A HEAD has no body, so its code is the HTTP status.
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", _BUCKET),
    "InvalidBucketName": ("the bucket's name is not valid", _BUCKET),
    "NoSuchKey": ("there is no such file", "was it deleted, or stored below another prefix?"),
    "404": ("there is no such file", "was it deleted, or stored below another prefix?"),
    "InvalidAccessKeyId": ("the access key is not known there", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret does not belong to the access key", _CREDENTIALS),
    "InvalidToken": ("the session token is not valid", _CREDENTIALS),
    "ExpiredToken": ("the session token has expired", "sign in anew, or renew the credentials"),
    "AccessDenied": ("access is denied", _PERMISSION),
    "403": ("access is denied", _PERMISSION),
    "RequestTimeTooSkewed": (
        "the clocks of this machine and of the server differ too much",
        "set this machine's clock",
    ),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", _REGION),
    "PermanentRedirect": ("the bucket is in another region", _REGION),
    "301": ("the bucket is in another region", _REGION),
    "KeyTooLongError": ("the name is too long", "S3 allows 1024 bytes, prefix included"),
    "EntityTooLarge": ("the file is larger than the server takes", "look up its limit in the S3 server's manual"),
    # Amazon's is never full; others have words of their own.
    "InsufficientStorage": _FULL,
    "XMinioStorageFull": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "QuotaExceeded": _FULL,
    "507": _FULL,
}
_SLOW_DOWN = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable"}
)
_PASSING = frozenset({"RequestTimeout", "OperationAborted", "ConditionalRequestConflict"})
# What the server says of bytes that are not those which were signed, or counted.
_DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"})
_SLOW_STATUSES = frozenset({429, 503})
_NOT_IMPLEMENTED, _INSUFFICIENT_STORAGE = 501, 507
_SERVER_ERROR = 500


@contextmanager
def translating_aws_errors(verb: str, place: Place) -> Iterator[None]:
    """Raise what boto3 raises in the block as StorageError, or as Unavailable where trying again may help."""
    # A client has loaded them already; at module level they would cost every command a quarter of a second.
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _failure(error, verb, place) from error


def status_of(error: Any) -> int:
    """The HTTP status of a botocore ClientError, 0 where it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def refused(code: str, verb: str, place: Place) -> StorageError:
    """The error for an answer of which S3 gave the status only; `code` is the one it would have given."""
    what, next_step = _ANSWERS[code]
    return StorageError(place.describe(verb, what, code, next_step), place.uri)


def is_answer(error: Any, *codes: str) -> bool:
    """Whether S3 answered with one of these codes, or with such a status where it gave no code."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", "")) in codes


def _failure(error: Exception, verb: str, place: Place) -> WdprefectError:
    from botocore.exceptions import ClientError  # loaded already, see above

    return _answered(error, verb, place) if isinstance(error, ClientError) else _unanswered(error, verb, place)


def _answered(error: Any, verb: str, place: Place) -> WdprefectError:
    code, status = str(error.response.get("Error", {}).get("Code", "")), status_of(error)
    code = code or str(status)
    if code in _DAMAGED:
        return Damaged(place.describe(verb, "the bytes did not arrive as they were sent", code, _LATER))
    if code not in _ANSWERS and status != _INSUFFICIENT_STORAGE:
        if code in _SLOW_DOWN or status in _SLOW_STATUSES:
            return Unavailable(place.describe(verb, "the server has too much to do", code, _LATER))
        if code in _PASSING or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED):
            return Unavailable(place.describe(verb, "the server is overloaded or broken", code, _SERVER_LOG))
    message = error.response.get("Error", {}).get("Message") or "the server refuses"
    unknown = _FULL if status == _INSUFFICIENT_STORAGE else (message, "look up the code in the S3 server's manual")
    what, next_step = _ANSWERS.get(code, unknown)
    return StorageError(place.describe(verb, what, code, next_step), place.uri)


def _unanswered(error: Exception, verb: str, place: Place) -> WdprefectError:
    from botocore import exceptions  # loaded already, see above

    code = type(error).__name__
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return StorageError(place.describe(verb, "there are no credentials", code, _CREDENTIALS), place.uri)
    if isinstance(error, exceptions.SSLError):
        trust = "the server's certificate is not trusted"
        return StorageError(place.describe(verb, trust, code, "name its authority in AWS_CA_BUNDLE"), place.uri)
    if isinstance(error, exceptions.FlexibleChecksumError):
        return Damaged(place.describe(verb, "the bytes did not arrive as they were sent", code, _LATER))
    if isinstance(error, exceptions.IncompleteReadError | exceptions.ResponseStreamingError):
        return Unavailable(place.describe(verb, "the transfer broke off", code, _LATER))
    if isinstance(error, exceptions.ReadTimeoutError):
        return Silent(place.describe(verb, "the server takes too long to answer", code, _REACH))
    if isinstance(error, exceptions.ConnectionClosedError):
        return Silent(place.describe(verb, "the server broke the connection off", code, _REACH))
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return Silent(place.describe(verb, "the server cannot be reached", code, _REACH))
    return StorageError(place.describe(verb, str(error), code, "check the storage's settings"), place.uri)
