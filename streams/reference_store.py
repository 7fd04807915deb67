"""Reference data in the database: one row a thing, written only where it changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, Final, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, Integer, Table, Text, cast, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from schemas.reference import Answer, CampaignPlan, Dealer, Estate, Group, Offer, Persona, Reference, Store
from streams.playbook_files import builtin_playbooks, load_playbook, written
from streams.playbook_shelf import name_of, shelve
from streams.tables import meta
from streams.tables import reference as rows_table

log = structlog.get_logger(__name__)
T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert

#: The name in `meta` of the number that grows with every change.
VERSION: Final = "reference_version"

_KINDS: Final[dict[str, Any]] = {
    "estate": Estate, "dealer": Dealer, "store": Store, "group": Group, "persona": Persona, "campaign": CampaignPlan,
    "offer": Offer, "answer": Answer, "playbook": str,
}
_BATCH: Final = 1000
#: The kind of the playbooks that shipped with this program, or with an earlier one, as whole texts.
_SHIPPED: Final = "shipped"


def save_reference(connection: Connection, reference: Reference, playbooks_yaml: Mapping[str, str]) -> dict[str, int]:
    """Write reference data and playbooks (YAML by name and version) in one transaction; what is not among them stays.

    So does every version of a playbook that was ever stored: a campaign may still be played by it.

    Returns the numbers of rows that are ``new``, ``changed`` and ``unchanged``, in all and by kind
    (``estate.new``). If anything is new or changed, the version in `meta` grows by one. Inside a transaction
    of the caller's, everything is part of it.
    """
    counts = dict.fromkeys(("new", "changed", "unchanged"), 0)
    with nullcontext() if connection.in_transaction() else connection.begin():
        for kind, bodies in _bodies(reference, playbooks_yaml):
            for what, count in _save_kind(connection, kind, bodies).items():
                counts[what] += count
                counts[f"{kind}.{what}"] = count
        if counts["new"] or counts["changed"]:
            _next_version(connection)
        keep_shipped(connection)
    return counts


def keep_shipped(connection: Connection) -> None:
    """Keep the playbooks that ship with this program, for a later one that ships newer versions of them."""
    texts = {name_of(playbook): written(playbook) for playbook in builtin_playbooks().values()}
    encode = msgspec.json.Encoder().encode
    _save_kind(connection, _SHIPPED, ((name, encode(text)) for name, text in texts.items()))


def load_reference(connection: Connection) -> tuple[Reference, dict[str, Playbook]]:
    """The reference data as stored, and the playbooks as `shelve` names them: those that ship, over them the stored.

    Raises:
        BadPlaybook: when the newest of a stored playbook is not right any more, by today's rules. An older version
            that isn't is left out: campaigns that are played by it go on with the nearest.
    """
    found = {kind: _load_kind(connection, kind, form) for kind, form in _KINDS.items()}
    texts: dict[str, str] = found.pop("playbook")
    reference = Reference.of(**{f"{kind}s": things.values() for kind, things in found.items()})
    return reference, _shelved(connection, texts, reference.offers)


def load_playbooks(connection: Connection, offers: Mapping[str, Offer]) -> dict[str, Playbook]:
    """The playbooks alone, as `load_reference` has them; `offers` are those of the reference data.

    Raises:
        BadPlaybook: as there.
    """
    return _shelved(connection, _load_kind(connection, "playbook", str), offers)


def _shelved(connection: Connection, texts: Mapping[str, str], known: Mapping[str, Offer]) -> dict[str, Playbook]:
    offers = {offer.offer_id.partition("@")[0] for offer in known.values()}
    ship = builtin_playbooks().values()
    now = {name_of(playbook) for playbook in ship}
    once = {id: text for id, text in _load_kind(connection, _SHIPPED, str).items() if id not in now}
    return shelve(_still_right(once, offers, all_old=True), ship, _still_right(texts, offers))


def _still_right(texts: Mapping[str, str], offers: Collection[str], *, all_old: bool = False) -> list[Playbook]:
    """Stored playbooks, by name and version; `all_old`: there are newer ones of each elsewhere."""
    right: list[Playbook] = []
    wrong: list[tuple[str, BadPlaybook]] = []
    for id, text in texts.items():
        try:
            right.append(load_playbook(text, f"playbooks/{id}.yaml", offers))
        except BadPlaybook as refused:
            wrong.append((id, refused))
    for id, error in wrong:
        name, _, edition = id.partition("@")
        newer = any(playbook.playbook == name and _numbers(playbook.edition) > _numbers(edition) for playbook in right)
        if not (newer or all_old):
            raise error
        log.warning("an older version of a playbook is left out", playbook=id, error=str(error))
    return right


def _numbers(edition: str) -> list[int]:
    return [int(number) for number in edition.split(".") if number.isdigit()]


def find_kept(connection: Connection, kind: str, id: str, form: type[T]) -> T | None:
    """One stored thing: a persona by its id, a playbook's text by name and version."""
    query = select(rows_table.c.body).where(rows_table.c.kind == kind, rows_table.c.id == id)
    body = connection.execute(query).scalar()
    return None if body is None else msgspec.json.decode(bytes(body), type=form)


def load_estates(connection: Connection) -> dict[str, Estate]:
    """The stored estates alone, by id."""
    return _load_kind(connection, "estate", Estate)


def reference_version(connection: Connection) -> int:
    """How often the stored reference data has changed; 0 before the first import."""
    value = connection.execute(select(meta.c.value).where(meta.c.name == VERSION)).scalar()
    return int(value or 0)


def _bodies(
    reference: Reference, playbooks_yaml: Mapping[str, str]
) -> Iterator[tuple[str, Iterator[tuple[str, bytes]]]]:
    kinds: dict[str, Mapping[str, Any]] = {
        "estate": reference.estates, "dealer": reference.dealers, "store": reference.stores,
        "group": reference.groups, "persona": reference.personas, "offer": reference.offers,
        "campaign": {f"{plan.estate_id}/{plan.stage}": plan for plan in reference.campaigns},
        "answer": reference.answers, "playbook": playbooks_yaml,
    }
    encode = msgspec.json.Encoder().encode
    for kind, things in kinds.items():
        yield kind, ((id, encode(thing)) for id, thing in things.items())


def _save_kind(connection: Connection, kind: str, bodies: Iterator[tuple[str, bytes]]) -> dict[str, int]:
    stored = dict(_stored(connection, kind))
    counts = dict.fromkeys(("new", "changed", "unchanged"), 0)
    batch: list[dict[str, Any]] = []
    for id, body in bodies:
        before = stored.get(id)
        counts["new" if before is None else "unchanged" if before == body else "changed"] += 1
        if before != body:
            batch.append({"kind": kind, "id": id, "body": body})
        if len(batch) >= _BATCH:
            _upsert(connection, batch)
            batch = []
    if batch:
        _upsert(connection, batch)
    return counts


def _stored(connection: Connection, kind: str) -> Iterator[tuple[str, bytes]]:
    query = select(rows_table.c.id, rows_table.c.body).where(rows_table.c.kind == kind)
    for id, body in connection.execute(query):
        yield id, bytes(body)


def _load_kind(connection: Connection, kind: str, form: type[T]) -> dict[str, T]:
    decode = msgspec.json.Decoder(form).decode
    # Sorted here and not by the database, whose collation would decide.
    return {id: decode(body) for id, body in sorted(_stored(connection, kind))}


def _upsert(connection: Connection, batch: list[dict[str, Any]]) -> None:
    connection.execute(upsert(connection.dialect.name), batch)


def _next_version(connection: Connection) -> None:
    connection.execute(next_version(connection.dialect.name))


def upsert(dialect: str) -> Insert:
    """The statement that writes a row of reference data, new or not."""
    insert = _insert(dialect, rows_table)
    return insert.on_conflict_do_update(index_elements=["kind", "id"], set_={"body": insert.excluded.body})


def next_version(dialect: str) -> Insert:
    """The statement that makes the version grow by one, within the database, so that no two imports give the same."""
    grown = cast(cast(meta.c.value, Integer) + 1, Text)
    insert = _insert(dialect, meta).values(name=VERSION, value="1")
    return insert.on_conflict_do_update(index_elements=["name"], set_={"value": grown})


def _insert(dialect: str, table: Table) -> Insert:
    """The dialect's own INSERT: both know ON CONFLICT, each in a class of its own."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
