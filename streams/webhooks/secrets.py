"""Signing secrets: `whsec_` and 256 random bits in base64, as Standard Webhooks writes them.

Both sides sign with the same secret, so it must be kept as it is: whoever may read the database can sign with it.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
#: How long a secret that was replaced is still signed with and taken, in hours, unless said otherwise.
KEEP_HOURS = 24
#: How far a timestamp may be from now, in seconds: what the library checks.
TOLERANCE = 300


def new_secret() -> str:
    """A secret that nobody has had before."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signed(id: str, body: bytes, holders: tuple[str, ...], at: float) -> dict[str, str]:
    """The headers of a message that is sent at `at` (Unix seconds): a signature by each of the secrets."""
    when, text = datetime.fromtimestamp(int(at), UTC), body.decode()
    signatures = [Webhook(secret).sign(id, when, text) for secret in holders]
    return {
        "webhook-id": id, "webhook-timestamp": str(int(at)), "webhook-signature": " ".join(signatures),
    }


def holds(secret: str, id: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether the body was signed with the secret, within the tolerance of now."""
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except Exception:  # noqa: BLE001  # the library raises its own, and whatever a header that is no header makes it
        return False
    return True
