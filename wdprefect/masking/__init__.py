"""What must not be seen, and hiding it.

A run has one `Masker`. Whoever obtains a secret's value registers it there; whoever keeps text (logs, errors,
artifacts, the ledger, results) sends it through `hide` first. `SecretEntries` notice that a secret is read, so that
what a template makes of it is hidden as well. docs/secrets.md says what that covers.
"""

from wdprefect.masking.entries import SECRETS_READ, SecretEntries, merged, notice, secret_at, unguarded
from wdprefect.masking.masker import MASK, SHORTEST, SHORTEST_DERIVED, Masker
from wdprefect.masking.messages import hide_shared, without_secrets

__all__ = [
    "MASK",
    "SECRETS_READ",
    "SHORTEST",
    "SHORTEST_DERIVED",
    "Masker",
    "SecretEntries",
    "hide_shared",
    "merged",
    "notice",
    "secret_at",
    "unguarded",
    "without_secrets",
]
