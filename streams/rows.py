"""The rows of `state` in memory: a bounded cache over the table, and the set of what changed.

Reading goes cache → table; writing waits for `flush`, which writes only what changed, in the step's
transaction. Two generations bound the memory without any bookkeeping per read: what was not read during a
whole generation falls out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from agents.rows import Address
from agents.state import ROW_TYPES, TASK
from streams.sql import Find, Put, Remove, one_by_one
from streams.tables import state

_ABSENT: Any = object()
_encode = msgspec.msgpack.Encoder().encode
_DECODE = {kind: msgspec.msgpack.Decoder(row).decode for kind, row in ROW_TYPES.items()}
# A task goes out as it is read back, its times with their offset, which MessagePack's timestamps do not have.
_encode_task = msgspec.json.Encoder().encode
_DECODE[TASK] = msgspec.json.Decoder(ROW_TYPES[TASK]).decode

_KEY = ("step", "key", "kind", "sub")
_upsert = Put(state, *_KEY, "value", update=("value",))
_delete = Remove(state, *_KEY)
_find = Find(state, _KEY, "value")
_find_under = Find(state, ("step", "key"), "kind", "sub", "value")
_GET = "SELECT value FROM state WHERE step = ? AND key = ? AND kind = ? AND sub = ?"
_SCAN = "SELECT sub, value FROM state WHERE step = ? AND key = ? AND kind = ?"

#: Rows of one generation; the cache holds at most two of them.
GENERATION = 150_000


class _Young(dict[Address, Any]):
    """The rows of the young generation; what is not among them is looked for once."""

    def __init__(self, find: Callable[[Address], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, address: Address) -> Any:
        value = self[address] = self._find(address)
        return value


class StoredRows:
    """`agents.rows.Rows` over the `state` table. One writer; not for several threads."""

    #: The row at the address, or None. Nearly all are in memory: the dict's own lookup is all that it takes.
    get: Callable[[Address], Any]

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._begin()
        self._old: dict[Address, Any] = {}
        self._under: dict[tuple[int, str, int], dict[str, Any]] = {}
        #: Steps and keys of which every row is in memory.
        self._whole: set[tuple[int, str]] = set()
        #: The rows under a key in their order, as long as none of them changes.
        self._ordered: dict[tuple[int, str, int], list[tuple[str, Any]]] = {}
        self._dirty: dict[Address, None] = {}
        self._dropped: dict[Address, Any] = {}
        self._undo: list[tuple[Address, Any, bool]] = []
        self._find: Any = None
        self._find_under: Any = None
        self._get: Any = None
        self._scan: Any = None

    # --- what the core sees -----------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin a generation."""
        self._young = _Young(self._elsewhere)
        self.get = self._young.__getitem__

    def _elsewhere(self, address: Address) -> Any:
        """A row that is not of the young generation."""
        value = self._old.pop(address, _ABSENT)
        if value is _ABSENT:
            under = self._known_under(address[:3])
            # Where every row under the key is known, what isn't among them isn't in the table either.
            value = self._read(address) if under is None else under.get(address[3])
        return value

    def _known_under(self, prefix: tuple[int, str, int]) -> dict[str, Any] | None:
        """Every row of a kind under a key, where all of them are in memory."""
        under = self._under.get(prefix)
        if under is None and prefix[:2] in self._whole:
            under = self._under[prefix] = {}
        return under

    def put(self, address: Address, value: Any) -> None:
        """Put a new value there."""
        before = self._young.get(address, _ABSENT)
        if before is _ABSENT:
            before = self._old.pop(address, _ABSENT)
        self._undo.append((address, before, address in self._dirty))
        self._young[address] = value
        self._dirty[address] = None
        prefix = address[:3]
        under = self._known_under(prefix)
        if under is not None:
            self._ordered.pop(prefix, None)
            if value is None:
                under.pop(address[3], None)
            else:
                under[address[3]] = value

    def drop(self, address: Address) -> None:
        """Remove the row."""
        if address in self._dirty and (last := self._young[address]) is not None:
            self._dropped[address] = last
        self.put(address, None)

    def scan(self, step: int, key: str, kind: int) -> Iterator[tuple[str, Any]]:
        """Every row of one kind under one key, ordered by sub."""
        prefix = (step, key, kind)
        ordered = self._ordered.get(prefix)
        if ordered is None:
            under = self._known_under(prefix)
            if under is None:
                under = self._read_all(step, key, kind)
            ordered = self._ordered[prefix] = sorted(under.items(), key=_sub)
        return iter(ordered)

    # --- one event: kept or undone ----------------------------------------------------------------

    def keep(self) -> None:
        """The event is applied: what it changed stays."""
        self._undo.clear()

    def undo(self) -> None:
        """The event is refused: as if it had never come."""
        for address, value, was_dirty in reversed(self._undo):
            if value is _ABSENT:
                del self._young[address]
            else:
                self._young[address] = value
            if not was_dirty:
                self._dirty.pop(address, None)
            # What there is under the key is read anew when it is asked for again.
            self._under.pop(address[:3], None)
            self._ordered.pop(address[:3], None)
            self._whole.discard(address[:2])
        self._undo.clear()

    # --- the table --------------------------------------------------------------------------------

    def attach(self, connection: Connection) -> None:
        """Read through this connection from now on."""
        self._find, self._find_under = partial(_find, connection), partial(_find_under, connection)
        self._get, self._scan = one_by_one(connection, _GET), one_by_one(connection, _SCAN)

    def holds(self, addresses: Iterable[Address]) -> bool:
        """Whether all of these rows are in memory."""
        young = self._young
        return all([address in young for address in addresses])  # noqa: C419  # a list is twice as fast here

    def prefetch(self, addresses: Iterable[Address]) -> None:
        """Fetch the rows that aren't in memory, many by one statement."""
        young, old = self._young, self._old
        wanted = [a for a in dict.fromkeys(addresses) if a not in young and a not in old]
        if not wanted:
            return
        young.update(dict.fromkeys(wanted))
        for step, key, kind, sub, value in self._find(wanted):
            young[step, key, kind, sub] = _DECODE[kind](value)

    def gather(self, step: int, keys: Iterable[str]) -> None:
        """Fetch every row under these keys by one statement, but of those keys of which all is in memory."""
        wanted = [(step, key) for key in dict.fromkeys(keys) if (step, key) not in self._whole]
        if not wanted:
            return
        young, old, fresh = self._young, self._old, set(wanted)
        under: dict[tuple[int, str, int], dict[str, Any]] = {}
        for _, key, kind, sub, value in self._find_under(wanted):
            address = (step, key, kind, sub)
            known = young.get(address, _ABSENT)
            if known is _ABSENT:
                known = old.pop(address, _ABSENT)
                young[address] = known = _DECODE[kind](value) if known is _ABSENT else known
            under.setdefault(address[:3], {})[sub] = known
        for address in self._dirty:
            if address[:2] in fresh:
                under.setdefault(address[:3], {})[address[3]] = young[address]
        for prefix, rows in under.items():
            if prefix not in self._under:
                self._under[prefix] = {sub: row for sub, row in rows.items() if row is not None}
        self._whole |= fresh

    @property
    def dirty(self) -> Iterable[Address]:
        """The addresses that changed since the last flush, in the order of their first change."""
        return self._dirty

    def last(self, address: Address) -> Any:
        """What a changed row says; of one that was changed and then dropped since the last flush, what it said last."""
        value = self._young[address]
        return self._dropped.get(address) if value is None else value

    def flush(self, connection: Connection) -> None:
        """Write what changed, and nothing else."""
        young = self._young
        changed = [
            (*address, _encode_task(row) if address[2] == TASK else _encode(row))
            for address in self._dirty if (row := young[address]) is not None
        ]
        gone = [address for address in self._dirty if young[address] is None]
        if changed:
            # In key order the pages of the tree are met one after the other.
            changed.sort(key=_address)
            _upsert(connection, changed)
        _delete(connection, gone)

    def committed(self) -> None:
        """What was flushed is in the database; forget a generation where the memory is full."""
        self._dirty.clear()
        self._dropped.clear()
        self._undo.clear()
        if len(self._young) > self._generation:
            self._old = self._young
            self._begin()
            for known in (self._under, self._ordered, self._whole):
                known.clear()

    def discard(self) -> None:
        """The transaction was rolled back: trust only the table."""
        for part in (self._young, self._old, self._under, self._whole, self._ordered, self._dirty, self._dropped):
            part.clear()
        self._undo.clear()

    def _read(self, address: Address) -> Any:
        for (value,) in self._get(address):
            return _DECODE[address[2]](value)
        return None

    def _read_all(self, step: int, key: str, kind: int) -> dict[str, Any]:
        """Every row under the key, the table's and those that are not written yet."""
        young, old, decode = self._young, self._old, _DECODE[kind]
        under: dict[str, Any] = {}
        for sub, value in self._scan((step, key, kind)):
            address = (step, key, kind, sub)
            known = young.get(address, _ABSENT)
            if known is _ABSENT:
                known = old.get(address, _ABSENT)
            under[sub] = decode(value) if known is _ABSENT else known
        for address in self._dirty:
            if address[:3] == (step, key, kind):
                under[address[3]] = young[address]
        under = {sub: value for sub, value in under.items() if value is not None}
        self._under[step, key, kind] = under
        return under


def _sub(row: tuple[str, Any]) -> str:
    return row[0]


def _address(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:4]
