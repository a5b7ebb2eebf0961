"""What S3 or the way to it refuses, as errors of the storage that name bucket, key, code and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wdprefect.errors import StorageError, Unavailable, WdprefectError


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
}
_PASSING = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"})
_NOT_IMPLEMENTED = 501
_SERVER_ERROR = 500


@contextmanager
def translating_aws_errors(verb: str, place: Place) -> Iterator[None]:
    """Raise what boto3 raises in the block as StorageError, or as Unavailable where trying again may help."""
    # A client has loaded them already; at module level they would cost every command a quarter of a second.
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, RetriesExceededError, S3DownloadFailedError) as error:
        raise _failure(error, verb, place) from error


def status_of(error: Any) -> int:
    """The HTTP status of a botocore ClientError, 0 where it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def refused(code: str, verb: str, place: Place) -> StorageError:
    """The error for an answer of which S3 gave the status only; `code` is the one it would have given."""
    what, next_step = _ANSWERS[code]
    return StorageError(place.describe(verb, what, code, next_step), place.uri)


def broken_transfers() -> tuple[type[Exception], ...]:
    """What is raised where a transfer began and did not end well; the same request may succeed at once."""
    from botocore import exceptions  # loaded already, see above
    from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

    return (
        exceptions.IncompleteReadError,
        exceptions.ReadTimeoutError,
        exceptions.ResponseStreamingError,
        exceptions.FlexibleChecksumError,
        RetriesExceededError,
        S3DownloadFailedError,
    )


def _failure(error: Exception, verb: str, place: Place) -> WdprefectError:
    from boto3.exceptions import S3UploadFailedError  # loaded already, see above
    from botocore.exceptions import ClientError

    # upload_file wraps what S3 answered in an error of its own that has only a text.
    answer = error.__context__ if isinstance(error, S3UploadFailedError) else error
    if isinstance(answer, ClientError):
        return _answered(answer, verb, place)
    return _unanswered(error, verb, place)


def _answered(error: Any, verb: str, place: Place) -> WdprefectError:
    code, status = str(error.response.get("Error", {}).get("Code", "")), status_of(error)
    if code in _PASSING or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED):
        return Unavailable(place.describe(verb, "the server is overloaded or broken", code or str(status), _LATER))
    message = error.response.get("Error", {}).get("Message") or "the server refuses"
    what, next_step = _ANSWERS.get(code, (message, "look up the code in the S3 server's manual"))
    return StorageError(place.describe(verb, what, code, next_step), place.uri)


def _unanswered(error: Exception, verb: str, place: Place) -> WdprefectError:
    from botocore import exceptions  # loaded already, see above

    code = type(error).__name__
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return StorageError(place.describe(verb, "there are no credentials", code, _CREDENTIALS), place.uri)
    if isinstance(error, exceptions.SSLError):
        trust = "the server's certificate is not trusted"
        return StorageError(place.describe(verb, trust, code, "name its authority in AWS_CA_BUNDLE"), place.uri)
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return Unavailable(place.describe(verb, "the server cannot be reached", code, _REACH))
    if isinstance(error, broken_transfers()):
        return Unavailable(place.describe(verb, "the transfer broke off or the file changed meanwhile", code, _LATER))
    return StorageError(place.describe(verb, str(error), code, "check the storage's settings"), place.uri)
