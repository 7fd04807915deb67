"""One-time links: how somebody gets into the pages without a token in an address.

A link holds 256 random bits, of which only the SHA-256 is kept. It is opened once, within minutes; whoever opens it
gets a token of their own, which lives in their browser's cookie alone and can be revoked like any.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from streams.tables import login_links
from streams.tokens import DAY, TokenRole, check_scope, create_token, hash_of, now_ms

#: How long a link is good, in minutes, and how long whoever opened it stays in, in days.
MINUTES, DAYS = 15, 30
#: How long a link is remembered after its end: until then one hears that it was used, and not that there is none.
_KEPT = 7 * DAY


class Opened(NamedTuple):
    """What came of opening a link: a token, or None with the reason."""

    token: str | None
    why: str = ""


def make_link(
    connection: Connection, role: TokenRole | str, dealer_id: str | None, label: str, *,
    store_id: str | None = None, cities: Iterable[str] = (), minutes: float = MINUTES, days: int = DAYS,
) -> str:
    """Make a link and return its code: 43 URL-safe characters that are never to be seen again.

    Raises:
        ValueError: the role is unknown, has no page, or is not given what it must name, or more.
    """
    role, cities, now = TokenRole(role), sorted(set(cities)), now_ms()
    if role is TokenRole.INTEGRATION:
        raise ValueError("an integration has no page to log in to")
    check_scope(role, dealer_id, store_id, cities, None)
    code = secrets.token_urlsafe(32)
    connection.execute(delete(login_links).where(login_links.c.expires_at < now - _KEPT))
    connection.execute(insert(login_links).values(
        hash=_hash(code), role=role.value, dealer_id=dealer_id, store_id=store_id, label=label, days=days,
        cities=json.dumps(cities, ensure_ascii=False) if cities else None, created_at=now,
        expires_at=now + int(minutes * 60_000)))
    return code


def open_link(connection: Connection, code: str) -> Opened:
    """Use a link up, and make the token that it gives. In one transaction: two who come at once do not both get in."""
    key, now = _hash(code), now_ms()
    used = connection.execute(
        update(login_links)
        .where(login_links.c.hash == key, login_links.c.used_at.is_(None), login_links.c.expires_at > now)
        .values(used_at=now))
    row = connection.execute(select(login_links).where(login_links.c.hash == key)).one_or_none()
    if row is None:
        return Opened(None, "unknown")
    if not used.rowcount:
        return Opened(None, "used" if row.used_at is not None else "late")
    return Opened(create_token(
        connection, row.role, row.dealer_id, row.label, store_id=row.store_id, cities=json.loads(row.cities or "[]"),
        days=row.days, session=True))


def _hash(code: str) -> str:
    # Beside a word of its own: a link's code is no token, and the other way round.
    return hash_of(f"link:{code}")
