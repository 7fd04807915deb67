"""Bearer tokens: 256 random bits, of which only the SHA-256 is kept.

A token is shown once, when it is made. Whoever reads the table can neither use it nor find the token out:
there is nothing to guess in 256 random bits, so a plain hash is enough.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, insert, or_, select, update

from streams.tables import tokens

#: A day, in milliseconds.
DAY = 86_400_000


class TokenRole(StrEnum):
    """What a token's holder may do."""

    HQ = "hq"
    REGION = "region"
    DEALER = "dealer"
    STORE = "store"
    INTEGRATION = "integration"


#: What each role's token must name, and how that is said; an integration's may name its source.
_NAMES: dict[TokenRole, tuple[set[str], str]] = {
    TokenRole.HQ: (set(), "HQ's token names no dealer, store, city or source"),
    TokenRole.REGION: ({"cities"}, "a region's token names its cities, and nothing else"),
    TokenRole.DEALER: ({"dealer_id"}, "a dealer's token names its dealer, and nothing else"),
    TokenRole.STORE: ({"dealer_id", "store_id"}, "a store's token names its store, and nothing else"),
    TokenRole.INTEGRATION: (set(), "an integration's token names a source at most"),
}


class Grant(Struct, frozen=True):
    """What a token grants. `key` is the token's hash.

    A dealer's grant names a dealer, a store's the store and its dealer, a region's its cities; an integration's may
    name the only `source` that it publishes. `session` says that a one-time link made it. `dealers` are those of a
    region's cities, as the reference data have them when it asks.
    """

    key: str
    role: TokenRole
    dealer_id: str | None
    label: str
    created_at: int
    revoked_at: int | None = None
    store_id: str | None = None
    cities: frozenset[str] = frozenset()
    source: str | None = None
    expires_at: int | None = None
    session: bool = False
    dealers: frozenset[str] = frozenset()

    def holds(self, at: int) -> bool:
        """Whether it grants anything at a time, in Unix milliseconds."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


def check_scope(
    role: TokenRole, dealer_id: str | None, store_id: str | None, cities: Iterable[str], source: str | None
) -> None:
    """Whether a token of the role is given what it must name, and nothing more.

    Raises:
        ValueError: it is not, in a sentence.
    """
    given = {"dealer_id": dealer_id, "store_id": store_id, "cities": tuple(cities), "source": source}
    named = {name for name, value in given.items() if value}
    wanted, said = _NAMES[role]
    if named - ({"source"} if role is TokenRole.INTEGRATION else set()) != wanted:
        raise ValueError(said)


def create_token(
    connection: Connection, role: TokenRole | str, dealer_id: str | None, label: str, *,
    store_id: str | None = None, cities: Iterable[str] = (), source: str | None = None, days: float | None = None,
    session: bool = False,
) -> str:
    """Make a token, keep its hash, and return it: 43 URL-safe characters that are never to be seen again.

    A store's token names its dealer, too. It holds for so many days, or until it is revoked.

    Raises:
        ValueError: the role is unknown, or it is not given what it must name, or more.
    """
    role, cities = TokenRole(role), sorted(set(cities))
    check_scope(role, dealer_id, store_id, cities, source)
    token, now = secrets.token_urlsafe(32), now_ms()
    connection.execute(
        insert(tokens).values(
            hash=hash_of(token), role=role.value, dealer_id=dealer_id, label=label, created_at=now, revoked_at=None,
            store_id=store_id, cities=json.dumps(cities, ensure_ascii=False) if cities else None, source=source,
            expires_at=None if days is None else now + int(days * DAY), session=int(session),
        )
    )
    return token


def look_up(connection: Connection, token: str) -> Grant | None:
    """What a token grants, or None where it is unknown, revoked or past its end."""
    return grant_of(connection, hash_of(token))


def grant_of(connection: Connection, key: str) -> Grant | None:
    """As `look_up`, from a grant's own key: whether it still holds."""
    row = connection.execute(select(tokens).where(tokens.c.hash == key, tokens.c.revoked_at.is_(None))).one_or_none()
    grant = None if row is None else _grant(row)
    return grant if grant is not None and grant.holds(now_ms()) else None


def list_tokens(connection: Connection) -> list[Grant]:
    """All grants, the revoked ones too, oldest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.hash))
    return [_grant(row) for row in rows]


def any_holds(connection: Connection, role: TokenRole) -> bool:
    """Whether there is a token of a role that lets somebody in."""
    ends = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now_ms())
    found = connection.execute(
        select(tokens.c.hash).where(tokens.c.role == role, tokens.c.revoked_at.is_(None), ends).limit(1))
    return found.first() is not None


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
        .values(revoked_at=now_ms())
    )
    return done.rowcount


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        row.hash, TokenRole(row.role), row.dealer_id, row.label, row.created_at, row.revoked_at, row.store_id,
        frozenset(json.loads(row.cities or "[]")), row.source, row.expires_at, bool(row.session),
    )


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def now_ms() -> int:
    """The machine's time, in Unix milliseconds: a demo's clock ends no token."""
    return int(time.time() * 1000)
