"""What AWS's servers or the way to them refuse, and errors that name bucket, key, code and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.storage.patience import Damaged, Silent

# What to do, by the kind of what is wrong. Where a person sets something is for whoever names the place to say.
_STEPS: Mapping[str, str] = {
    "missing": "was it deleted, or is the key spelled in another way?",
    "token": "sign in anew, or renew the credentials",
    "role": "let these credentials assume the role (sts:AssumeRole), and check its name and the external id",
    "clock": "set this machine's clock",
    "name": "S3 allows 1024 bytes, prefix included",
    "owned": "leave the task out, or set 'allowFailure: true' on it",
    "taken": "choose another name: those of buckets are shared by all accounts",
    "archived": "restore it first: it lies in an archive",
    "changed": "try again: somebody else wrote it meanwhile",
    "checksum": "check 'checksum' and 'checksumAlgorithm', or leave them out",
    "class": "name a storage class that the server has",
    "acl": "leave 'acl' and the grants out: the bucket has them switched off",
    "code": "look up the code in the S3 server's manual",
    "settings": "check the settings of the connection",
    "later": "try again later",
    "log": "try again later, and look at the server's log: a full disk may look like this",
    "limit": "look up its limit in the S3 server's manual",
    "full": "free some space there, or raise its quota",
    "reach": "check the endpoint's address and port, the network and the proxy",
    "trust": "name its authority in AWS_CA_BUNDLE",
}
OF_STORAGE: Mapping[str, str] = {
    "credentials": "check the access key and its secret: the AWS_… variables, the profile, or the Prefect block",
    "permission": (
        "allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket; "
        "without the last a missing file looks like this too"
    ),
    "bucket": "make the bucket, or name another one with --storage",
    "bucket name": "name another one with --storage",
    "region": "set AWS_DEFAULT_REGION, or the region in the Prefect block, to the bucket's",
    "missing": "was it deleted, or stored below another prefix?",
    "settings": "check the storage's settings",
    "full": "free some space there, raise its quota, or keep files elsewhere with --storage",
    "damaged": "run the task anew that stored it",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A file in S3: its URI and where that is; the key is empty where a whole bucket is meant.

    advice: what to do where access fails, by the kind of what is wrong.
    """

    uri: str
    bucket: str
    key: str
    endpoint: str
    advice: Mapping[str, str] = field(default_factory=lambda: OF_STORAGE)

    def describe(self, verb: str, what: str, code: str, kind: str) -> str:
        """The text of an error: what is wrong, where, the code to look up, and what to do."""
        key = f", key '{self.key}'" if self.key else ""
        where = f"{code}, bucket '{self.bucket}'{key} at {self.endpoint}"
        return f"cannot {verb} '{self.uri}': {what} ({where}); {next_step(kind, self.advice)}"

    def refusal(self, message: str) -> WdprefectError:
        """The error for what no time mends."""
        return StorageError(message, self.uri)


_DENIED = ("access is denied", "permission")
_FULL = ("the storage is full", "full")
_NOT_AS_SENT = ("the bytes did not arrive as they were sent", "later")
# What is wrong and the kind of what to do, by the code that is answered. A HEAD has no body, so its code is the HTTP
# status.
_ANSWERS: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "bucket"),
    "InvalidBucketName": ("the bucket's name is not valid", "bucket name"),
    "NoSuchKey": ("there is no such file", "missing"),
    "404": ("there is no such file", "missing"),
    "NoSuchVersion": ("there is no such version of the file", "missing"),
    "InvalidAccessKeyId": ("the access key is not known there", "credentials"),
    "InvalidClientTokenId": ("the access key is not known there", "credentials"),
    "SignatureDoesNotMatch": ("the secret does not belong to the access key", "credentials"),
    "InvalidToken": ("the session token is not valid", "credentials"),
    "ExpiredToken": ("the session token has expired", "token"),
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AllAccessDisabled": _DENIED,
    "403": _DENIED,
    "RequestTimeTooSkewed": ("the clocks of this machine and of the server differ too much", "clock"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "region"),
    "PermanentRedirect": ("the bucket is in another region", "region"),
    "301": ("the bucket is in another region", "region"),
    "IllegalLocationConstraintException": ("the bucket cannot be in that region", "region"),
    "InvalidLocationConstraint": ("the server has no such region", "region"),
    "KeyTooLongError": ("the name is too long", "name"),
    "BucketAlreadyOwnedByYou": ("the bucket is yours already", "owned"),
    "BucketAlreadyExists": ("somebody has a bucket of that name", "taken"),
    "InvalidObjectState": ("the file cannot be read now", "archived"),
    "PreconditionFailed": ("it is not what it was", "changed"),
    "412": ("it is not what it was", "changed"),
    "BadDigest": ("the checksum does not fit the content", "checksum"),
    "InvalidDigest": ("the checksum is not valid", "checksum"),
    "InvalidStorageClass": ("the storage class is not valid", "class"),
    "AccessControlListNotSupported": ("the bucket does not take ACLs", "acl"),
    "EntityTooLarge": ("the file is larger than the server takes", "limit"),
    # Amazon's is never full; others have words of their own.
    "InsufficientStorage": _FULL,
    "XMinioStorageFull": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "QuotaExceeded": _FULL,
    "507": _FULL,
}
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequests"})
_SLOW_DOWN = _THROTTLED | {"SlowDown", "RequestLimitExceeded", "ServiceUnavailable"}
_PASSING = frozenset({"RequestTimeout", "OperationAborted", "ConditionalRequestConflict"})
# What the server says of bytes that are not those which were signed, or counted.
_DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"})
# What is wrong with those who ask, whatever they ask for.
_OF_WHO_ASKS = frozenset({"credentials", "token", "clock"})
_SLOW_STATUSES = frozenset({429, 503})
_NOT_IMPLEMENTED, _INSUFFICIENT_STORAGE = 501, 507
_SERVER_ERROR = 500

# The same where there is no answer, by the nearest class of the exception; and as what it is raised if it may pass.
_UNANSWERED: Mapping[str, tuple[str, str, type[Unavailable] | None]] = {
    "NoCredentialsError": ("there are no credentials", "credentials", None),
    "PartialCredentialsError": ("there are no credentials", "credentials", None),
    "SSLError": ("the server's certificate is not trusted", "trust", None),
    "FlexibleChecksumError": (*_NOT_AS_SENT, Damaged),
    # What boto3's own transfers raise where an object is another one by now.
    "S3DownloadFailedError": ("the file changed meanwhile", "later", Unavailable),
    "RetriesExceededError": ("the file changed meanwhile", "later", Unavailable),
    "IncompleteReadError": ("the transfer broke off", "later", Unavailable),
    "ResponseStreamingError": ("the transfer broke off", "later", Unavailable),
    "ReadTimeoutError": ("the server takes too long to answer", "reach", Silent),
    "ConnectionClosedError": ("the server broke the connection off", "reach", Silent),
    "ConnectionError": ("the server cannot be reached", "reach", Silent),
    "HTTPClientError": ("the server cannot be reached", "reach", Silent),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong. code: what was answered, or the name of the exception. kind: of what to do, for `next_step`.

    passing: the error to raise where trying again may help although nobody does anything.
    """

    code: str
    what: str
    kind: str
    passing: type[Unavailable] | None = None


def next_step(kind: str, advice: Mapping[str, str]) -> str:
    """What to do about this kind of what is wrong; `advice` has what is said otherwise here."""
    return advice.get(kind) or _STEPS[kind]


def aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises."""
    # A client has loaded them already; at module level they would cost every command a quarter of a second.
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

    return BotoCoreError, ClientError, Boto3Error, RetriesExceededError, S3DownloadFailedError


def diagnosis_of(error: Exception, *, has_given_checksums: bool = False) -> Diagnosis:
    """What one of `aws_errors` means. has_given_checksums: whether people say themselves which checksums are right."""
    from boto3.exceptions import S3UploadFailedError  # loaded already, see above
    from botocore.exceptions import ClientError  # as above

    # boto3's own transfers wrap what S3 answered in errors that have only a text.
    wrapped = error.__context__ if isinstance(error, S3UploadFailedError) else None
    cause: Any = getattr(error, "last_exception", None) or wrapped or error
    if isinstance(cause, ClientError):
        return _answered(cause, has_given_checksums=has_given_checksums)
    names = [each.__name__ for each in type(cause).__mro__]
    known = next((_UNANSWERED[name] for name in names if name in _UNANSWERED), (str(cause), "settings", None))
    return Diagnosis(names[0], *known)


@contextmanager
def translating_aws_errors(verb: str, place: Place) -> Iterator[None]:
    """Raise what boto3 raises in the block as the place's refusal, or as Unavailable where trying again may help."""
    try:
        yield
    except aws_errors() as error:
        raise _failure(diagnosis_of(error, has_given_checksums="damaged" not in place.advice), verb, place) from error


def cause_code(error: BaseException) -> str:
    """The code to look up for an error of ours: what a server answered, if that is behind it, else the error's name."""
    known = aws_errors()
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, known):
        behind = behind.__cause__
    return diagnosis_of(behind).code if isinstance(behind, Exception) else type(error).__name__


def status_of(error: Any) -> int:
    """The HTTP status of a botocore ClientError, 0 where it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: Any) -> str:
    """The code of a botocore ClientError, such as `NoSuchKey`; a HEAD has none but the status."""
    return str(error.response.get("Error", {}).get("Code") or status_of(error))


def refused(code: str, verb: str, place: Place) -> WdprefectError:
    """The error for an answer of which S3 gave the status only; `code` is the one it would have given."""
    return _failure(Diagnosis(code, *_ANSWERS[code]), verb, place)


def is_answer(error: Any, *codes: str) -> bool:
    """Whether S3 answered with one of these codes, or with such a status where it gave no code."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", "")) in codes


def _failure(found: Diagnosis, verb: str, place: Place) -> WdprefectError:
    text = place.describe(verb, found.what, found.code, found.kind)
    return found.passing(text) if found.passing else place.refusal(text)


def _answered(error: Any, *, has_given_checksums: bool) -> Diagnosis:
    code, status = code_of(error), status_of(error)
    # Where people give checksums themselves, it is rather these that are wrong.
    if code in _DAMAGED and not has_given_checksums:
        return Diagnosis(code, *_NOT_AS_SENT, Damaged)
    known = _ANSWERS.get(code) or (_FULL if status == _INSUFFICIENT_STORAGE else None)
    if not known and (code in _SLOW_DOWN or status in _SLOW_STATUSES):
        return Diagnosis(code, "the server has too much to do", "later", Unavailable)
    if not known and (code in _PASSING or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED)):
        return Diagnosis(code, "the server is overloaded or broken", "log", Unavailable)
    message = error.response.get("Error", {}).get("Message") or "the server refuses"
    what, kind = known or (message, "code")
    if error.operation_name == "AssumeRole":
        what, kind = (what, kind) if kind in _OF_WHO_ASKS else (message, "role")
        what = f"the role cannot be assumed: {what}"
    return Diagnosis(code, what, kind)
