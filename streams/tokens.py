"""Bearer tokens: 256 random bits, of which only the SHA-256 is kept.

A token is shown once, when it is made. Whoever reads the table can neither use it nor find the token out:
there is nothing to guess in 256 random bits, so a plain hash is enough.
"""

from __future__ import annotations

import secrets
import time
from enum import StrEnum
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, insert, select, update

from streams.tables import tokens


class TokenRole(StrEnum):
    """What a token's holder may do."""

    HQ = "hq"
    DEALER = "dealer"
    INTEGRATION = "integration"


class Grant(Struct, frozen=True):
    """What a token grants. `key` is the token's hash; only a dealer's grant names a dealer."""

    key: str
    role: TokenRole
    dealer_id: str | None
    label: str
    created_at: int
    revoked_at: int | None = None


def create_token(connection: Connection, role: TokenRole | str, dealer_id: str | None, label: str) -> str:
    """Make a token, keep its hash, and return it: 43 URL-safe characters that are never to be seen again.

    Raises:
        ValueError: the role is unknown, a dealer's token names no dealer, or another role's names one.
    """
    role = TokenRole(role)
    if (role is TokenRole.DEALER) != bool(dealer_id):
        raise ValueError("a dealer's token names its dealer, and no other token does")
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            hash=_hash(token), role=role.value, dealer_id=dealer_id, label=label, created_at=_now(), revoked_at=None
        )
    )
    return token


def look_up(connection: Connection, token: str) -> Grant | None:
    """What a token grants, or None where it is unknown or revoked."""
    return grant_of(connection, _hash(token))


def grant_of(connection: Connection, key: str) -> Grant | None:
    """As `look_up`, from a grant's own key: whether it still holds."""
    row = connection.execute(select(tokens).where(tokens.c.hash == key, tokens.c.revoked_at.is_(None))).one_or_none()
    return None if row is None else _grant(row)


def list_tokens(connection: Connection) -> list[Grant]:
    """All grants, the revoked ones too, oldest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.hash))
    return [_grant(row) for row in rows]


def revoke(connection: Connection, key: str) -> int:
    """Revoke the tokens whose key begins with `key` (8 characters or more); how many were revoked.

    Raises:
        ValueError: the key is too short to mean one token.
    """
    if len(key) < 8:
        raise ValueError("a token's key is named by 8 of its characters or more")
    done = connection.execute(
        update(tokens)
        .where(tokens.c.hash.startswith(key, autoescape=True), tokens.c.revoked_at.is_(None))
        .values(revoked_at=_now())
    )
    return done.rowcount


def _grant(row: Row[Any]) -> Grant:
    return Grant(row.hash, TokenRole(row.role), row.dealer_id, row.label, row.created_at, row.revoked_at)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _now() -> int:
    return int(time.time() * 1000)
