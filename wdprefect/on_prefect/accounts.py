"""Who one is to AWS and to servers like it, from Prefect's blocks of credentials."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from pydantic import SecretStr, ValidationError

from wdprefect.errors import TaskFailed, Unavailable
from wdprefect.model.blocks import AwsAccount
from wdprefect.on_prefect.reaching import reaching_api

ACCOUNTS = ("aws-credentials/", "minio-credentials/")


def aws_account(name: str) -> AwsAccount:
    """What the block `aws-credentials/<name>` or `minio-credentials/<name>` says now.

    Raises TaskFailed where there is none or it cannot be followed, Unavailable where the Prefect API cannot be asked.
    """
    from botocore.exceptions import BotoCoreError  # a quarter of a second, with what is imported below

    block = asyncio.run(_loaded(name))
    if _is_half(block):
        step = "give both keys, or neither to use the worker's credentials"
        raise TaskFailed(f"the block '{name}' has an access key or a secret, and not both: {step}")
    parameters = block.aws_client_parameters.get_params_override
    try:
        parameters()
    except (TypeError, BotoCoreError) as error:
        raise TaskFailed(f"the block '{name}': its AWS Client Parameters cannot be followed: {error}") from None
    role = getattr(block, "assume_role_arn", None)
    return AwsAccount(
        block=name,
        facts=facts_of(block),
        secrets=tuple(_secrets(block)),
        session=lambda region: _session(block, region),
        parameters=parameters,
        role={"RoleArn": role, **block.assume_role_kwargs.get_params_override()} if role else {},
    )


def facts_of(block: Any) -> str:
    """All that a block says, its secrets included."""
    # Their texts are stars.
    facts = {name: value.get_secret_value() if isinstance(value, SecretStr) else str(value) for name, value in block}
    return str(sorted(facts.items()))


async def _loaded(name: str) -> Any:
    from prefect_aws import AwsCredentials, MinIOCredentials  # as above

    kind, _, block = name.partition("/")
    kinds: dict[str, Any] = {"aws-credentials": AwsCredentials, "minio-credentials": MinIOCredentials}
    step = f"start it, or correct PREFECT_API_URL: it keeps the block '{name}'"
    try:
        async with reaching_api(step):
            # Without the event loop, which is for this alone: a run's own client serves many threads.
            return kinds[kind].load(block, _sync=True)
    except httpx.HTTPError as error:
        # It answers, and not to this.
        raise Unavailable(f"the Prefect API has not given the block '{name}': {_words(error)}; try again") from error
    except ValueError:
        step = f"make one in Prefect's UI, or with 'prefect block create {kind}'"
        raise TaskFailed(f"there is no Prefect block '{name}': {step}") from None
    except RuntimeError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        reason = _reason(error.__cause__)
        raise TaskFailed(f"the block '{name}' is not valid here: {reason}; correct it in Prefect's UI") from None


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.response.status_code} {error.response.reason_phrase}"
    return str(error) or type(error).__name__


def _reason(error: ValidationError) -> str:
    """What is wrong with a block, without what it holds."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"'{'.'.join(map(str, one['loc']))}': {one['msg']}" for one in found)


def _is_half(block: Any) -> bool:
    """Whether one key is there without the other, which boto3 would sign with."""
    keys = getattr(block, "aws_access_key_id", None), getattr(block, "aws_secret_access_key", None)
    return bool(keys[0]) != bool(keys[1])


def _secrets(block: Any) -> list[str]:
    found = [value.get_secret_value() for _, value in block if isinstance(value, SecretStr)]
    # Prefect's class takes the token for no secret.
    return [secret for secret in [*found, getattr(block, "aws_session_token", None)] if secret]


def _session(block: Any, region: str | None) -> Any:
    """A session with the keys of the block. The role is for whoever renews its credentials."""
    own = {"region_name": region} if region else {}
    role = {"assume_role_arn": None} if hasattr(block, "assume_role_arn") else {}
    return block.model_copy(update={**own, **role}).get_boto3_session()
