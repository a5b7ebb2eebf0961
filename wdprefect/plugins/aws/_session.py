"""boto3 sessions: of keys, and of a role that they assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from wdprefect.errors import TaskFailed

SESSION_NAME = "wdprefect"


@dataclass(frozen=True, slots=True)
class Role:
    """A role to assume.

    asked: the parameters of AssumeRole. step: what to do where there are no credentials to ask with. endpoint: the
    address of STS, if not Amazon's.
    """

    asked: Mapping[str, Any]
    step: str
    endpoint: str | None = None


def session_of(access_key: str | None, secret_key: str | None, token: str | None, region: str | None) -> Any:
    """A session with these keys; without them boto3 looks for credentials itself."""
    import boto3  # a quarter of a second, which only those pay who have something to ask

    # A session of its own: boto3's default one is not safe to use from several threads.
    return boto3.session.Session(  # type: ignore[no-untyped-call]  # boto3 has no types
        aws_access_key_id=access_key or None,
        aws_secret_access_key=secret_key or None,
        aws_session_token=token or None,
        region_name=region or None,
    )


def assuming(source: Any, role: Role) -> Any:
    """A session that has the role's credentials instead of those of `source`, and renews them before they expire.

    Raises TaskFailed where `source` has none.
    """
    import boto3  # as above
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialResolver

    asked = {"RoleSessionName": SESSION_NAME, **role.asked}
    arn = asked.pop("RoleArn")
    credentials = source.get_credentials()
    if credentials is None:
        reason = f"there are no credentials to do it with; {role.step}, or set the AWS_… variables"
        raise TaskFailed(f"cannot assume the role '{arn}': {reason}")

    def sts(name: str, **keys: Any) -> Any:
        return source.client(name, endpoint_url=role.endpoint, **keys)

    fetcher = AssumeRoleCredentialFetcher(sts, credentials, arn, extra_args=asked)  # type: ignore[no-untyped-call]  # as above
    session = botocore.session.get_session()  # type: ignore[no-untyped-call]  # as above
    session.register_component("credential_provider", CredentialResolver([_OfRole(fetcher)]))  # type: ignore[no-untyped-call]  # as above
    return boto3.session.Session(botocore_session=session, region_name=source.region_name)  # type: ignore[no-untyped-call]  # as above


@dataclass(frozen=True, slots=True)
class _OfRole:
    """What botocore asks for credentials: those of a role, fetched when they are first needed."""

    fetcher: Any

    METHOD: ClassVar[str] = "assume-role"
    CANONICAL_NAME: ClassVar[str] = "custom-wdprefect"

    def load(self) -> Any:
        from botocore.credentials import DeferredRefreshableCredentials  # as above

        return DeferredRefreshableCredentials(self.fetcher.fetch_credentials, self.METHOD)  # type: ignore[no-untyped-call]  # as above
