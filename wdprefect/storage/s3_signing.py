"""Parts are hashed for their signature only where nothing else would tell whether they have arrived.

Over plain HTTP the SHA-256 of each part is a piece of its signature, made by client and server: as much work as all the
rest of the client's. A part carries its CRC-32 as well, which is signed, and which most servers look at. Those that do
say so in their answer. From then on parts go without the SHA-256, as they do from the start over HTTPS, where nobody
could change them on their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient

_ID = "wdprefect-parts"


def sign_parts_once(client: BaseClient) -> None:
    """Let a client find out what its server looks at, and do no more than that. May be called again."""
    found = _Found()
    client.meta.events.register("after-call.s3.UploadPart", found.learn, unique_id=f"{_ID}-learn")
    client.meta.events.register("before-sign.s3.UploadPart", found.before_sign, unique_id=f"{_ID}-sign")


class _Found:
    """What is known of a client's server: nothing at first."""

    def __init__(self) -> None:
        self._checks_crc32 = False

    def learn(self, parsed: Mapping[str, Any], **_: object) -> None:
        self._checks_crc32 = self._checks_crc32 or "ChecksumCRC32" in parsed

    def before_sign(self, request: Any, **_: object) -> None:
        from botocore.config import Config  # a client has loaded it already

        # Where botocore should once keep its settings elsewhere, parts are signed as before.
        config = request.context.get("client_config")
        is_safe = self._checks_crc32 or request.url.startswith("https:")
        if not is_safe or config is None or "x-amz-checksum-crc32" not in request.headers:
            return
        settings = config.s3 or {}
        if "payload_signing_enabled" not in settings:
            unsigned = Config(s3={**settings, "payload_signing_enabled": False})  # type: ignore[no-untyped-call]  # boto3 has no types
            request.context["client_config"] = config.merge(unsigned)
