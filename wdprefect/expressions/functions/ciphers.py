"""Functions that encrypt: AES in GCM mode, with the nonce before and the tag behind the encrypted text, in base64."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text

_NONCE_BYTES = 12
_KEY_BYTES = (16, 24, 32)


def encrypt(key: Any, plaintext: Any) -> str | None:
    """The text encrypted, each time to another result; an empty text and null stay.

    key: 16, 24 or 32 bytes in base64.

    with: {"key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
    {{ encrypt(key, 'hello') }} → (random)
    {{ decrypt(key, encrypt(key, 'hello')) }} → hello
    """
    if plaintext is None or plaintext == "":
        return None if plaintext is None else ""
    cipher, nonce = _cipher(key), os.urandom(_NONCE_BYTES)
    sealed: bytes = cipher.encrypt(nonce, text(plaintext, "plaintext").encode(), None)
    return base64.b64encode(nonce + sealed).decode()


def decrypt(key: Any, encrypted: Any) -> str | None:
    """The text that was encrypted with this key; an empty text and null stay.

    with: {"key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
    {{ decrypt(key, 'AAAAAAAAAAAAAAAANo1eKnx9nl4BuAS5xJ4ltxUyE+M=') }} → toto
    """
    # Deferred: 40 ms, and few flows encrypt.
    from cryptography.exceptions import InvalidTag

    if encrypted is None or encrypted == "":
        return None if encrypted is None else ""
    cipher, sealed = _cipher(key), _bytes(encrypted, "encrypted")
    try:
        opened: bytes = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        return opened.decode()
    except (InvalidTag, ValueError):
        # Not chained: what was decrypted is nobody's to see.
        raise ExpressionError("the text was not encrypted with this key, or has been changed") from None


def _cipher(key: Any) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # as above

    secret = _bytes(key, "key")
    if len(secret) not in _KEY_BYTES:
        raise ExpressionError(f"key has {len(secret)} bytes, not 16, 24 or 32")
    return AESGCM(secret)


def _bytes(value: Any, what: str) -> bytes:
    try:
        return base64.b64decode(text(value, what), validate=True)
    except (binascii.Error, ValueError):
        raise ExpressionError(f"{what} is no base64") from None
