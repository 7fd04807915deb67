"""Endpoints as the database has them: whom to tell what, and how far each is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schemas.errors import BadFile
from schemas.tasks import OUT_EVENTS
from streams.readers import last_sent
from streams.tables import webhooks
from streams.webhooks.secrets import new_secret

#: What an endpoint is told unless it asks for something else.
DEFAULT_TYPES = (
    "loupan.task.issued.v1", "loupan.campaign.phase-entered.v1", "loupan.campaign.goal-reached.v1",
)
KNOWN_TYPES: tuple[str, ...] = tuple(str(event.__struct_config__.tag) for event in OUT_EVENTS)
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Kind(StrEnum):
    """Who listens: a program by Standard Webhooks, or the robot of a staff group in WeCom."""

    STANDARD = "standard"
    WECOM = "wecom"


class Status(StrEnum):
    """Whether an endpoint is told: `off` by hand, `gone` by its own word, `gave-up` after failing for days."""

    ON = "on"
    OFF = "off"
    GONE = "gone"
    GAVE_UP = "gave-up"


class Endpoint(Struct, frozen=True, kw_only=True):
    """A row of the table of the same fields; times in Unix milliseconds."""

    name: str
    kind: Kind
    url: str
    types: str
    dealer_id: str | None = None
    city: str | None = None
    secret: str | None = None
    previous: str | None = None
    previous_until: int | None = None
    status: Status = Status.ON
    next: int = 0
    failures: int = 0
    failing_since: int | None = None
    due: int = 0
    said: str = ""
    created_at: int = 0

    def holders(self, now: int) -> tuple[str, ...]:
        """The secrets to sign with: the current one, and during a rotation the one before."""
        last = self.previous if (self.previous_until or 0) > now else None
        return tuple(secret for secret in (self.secret, last) if secret)

    @property
    def shown(self) -> str:
        """The URL without what might be a password in it."""
        return self.url.partition("?")[0] + ("?…" if "?" in self.url else "")


_COLUMNS = Endpoint.__struct_fields__


def wanted_types(given: list[str]) -> tuple[str, ...]:
    """The types that are asked for, each known; `loupan.task.*` means all that begin so, `*` all.

    Raises:
        BadFile: when one means none of ours.
    """
    for one in given:
        if not any(matches(one, known) for known in KNOWN_TYPES):
            raise BadFile("--type", None, f"nothing of the type {one} goes out", f"there are: {', '.join(KNOWN_TYPES)}")
    return tuple(dict.fromkeys(given)) or DEFAULT_TYPES


def matches(pattern: str, type: str) -> bool:
    """Whether a type is that of the pattern, or begins as it does before its `*`."""
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern


def checked_name(name: str) -> str:
    """The name of an endpoint or a sender.

    Raises:
        BadFile: when it is none.
    """
    if not NAME.fullmatch(name):
        raise BadFile(name, None, "is not a name", "use small letters, digits and dashes, 64 at most: erp-orders")
    return name


def add(connection: Connection, endpoint: Endpoint, *, from_start: bool = False) -> Endpoint:
    """Keep a new endpoint, which is told what goes out from now on, or all that ever did.

    Raises:
        BadFile: when there is one of that name.
    """
    made = Endpoint(**{
        **{name: getattr(endpoint, name) for name in _COLUMNS},
        "secret": new_secret() if endpoint.kind is Kind.STANDARD else None,
        "next": 0 if from_start else last_sent(connection),
    })
    try:
        with connection.begin_nested():
            connection.execute(insert(webhooks).values({name: getattr(made, name) for name in _COLUMNS}))
    except IntegrityError as error:
        raise BadFile(made.name, None, "there is a webhook of that name", "name another, or remove it first") from error
    return made


def list_all(connection: Connection) -> list[Endpoint]:
    """All endpoints, by name."""
    return [_endpoint(row) for row in connection.execute(select(webhooks).order_by(webhooks.c.name))]


def find(connection: Connection, name: str) -> Endpoint:
    """An endpoint by its name.

    Raises:
        BadFile: when there is none.
    """
    row = connection.execute(select(webhooks).where(webhooks.c.name == name)).one_or_none()
    if row is None:
        raise BadFile(name, None, "there is no such webhook", "see `loupan webhooks list`")
    return _endpoint(row)


def _endpoint(row: Any) -> Endpoint:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return Endpoint(**{**values, "kind": Kind(row.kind), "status": Status(row.status)})


def rotate(connection: Connection, name: str, *, now: int, until: int) -> str:
    """Give an endpoint a new secret; the old one is signed with, too, until then."""
    found = find(connection, name)
    if found.kind is not Kind.STANDARD:
        raise BadFile(name, None, "is a robot, which is not signed for", "make a new robot in the group, and add that")
    secret = new_secret()
    values = {"secret": secret, "previous": found.secret if until > now else None, "previous_until": until}
    connection.execute(update(webhooks).where(webhooks.c.name == name).values(values))
    return secret


def enable(connection: Connection, name: str, *, skip: bool = False) -> Endpoint:
    """Tell an endpoint again, from where it stood, or (`skip`) only what goes out from now on."""
    find(connection, name)
    values: dict[str, Any] = {"status": Status.ON, "failures": 0, "failing_since": None, "due": 0, "said": ""}
    if skip:
        values["next"] = last_sent(connection)
    connection.execute(update(webhooks).where(webhooks.c.name == name).values(values))
    return find(connection, name)


def disable(connection: Connection, name: str) -> None:
    """Tell an endpoint nothing until it is enabled."""
    find(connection, name)
    connection.execute(update(webhooks).where(webhooks.c.name == name).values(status=Status.OFF))


def remove(connection: Connection, name: str) -> None:
    """Forget an endpoint, with its secrets."""
    find(connection, name)
    connection.execute(delete(webhooks).where(webhooks.c.name == name))


def keep(connection: Connection, before: Endpoint, **values: Any) -> bool:
    """Write how far an endpoint is, where it still stands where we left it; False where it does not."""
    done = connection.execute(
        update(webhooks)
        .where(webhooks.c.name == before.name, webhooks.c.next == before.next, webhooks.c.status == Status.ON,
               webhooks.c.created_at == before.created_at)
        .values(values))
    return bool(done.rowcount)


def any_on(connection: Connection) -> bool:
    """Whether anybody is to be told."""
    counted = select(func.count()).select_from(webhooks).where(webhooks.c.status == Status.ON)
    return bool(connection.execute(counted).scalar_one())
