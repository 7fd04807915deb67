"""Rows of a table of orders as order events, by a mapping. The same row always becomes the same events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import msgspec

from schemas.errors import BadFile
from schemas.values import Crs
from streams.importing import cells
from streams.importing.cells import BadCell
from streams.importing.headers import Header, find_header, plain
from streams.importing.items import Fault, Item, Passed, Unit, Wrong
from streams.importing.mapping import DEEDS, LINES, TIMES, Mapped
from streams.importing.tables import EXCEL, Cell, Row, rows_of

T = TypeVar("T")

NOTHING: Final[Sequence[str]] = ()

#: The first word of a row that sums up the others.
_SUMS: Final = ("合计", "总计", "小计", "共计", "汇总", "total", "sum")
#: Raised when the same row becomes other events than before: positions of files that were begun begin anew.
_VERSION: Final = b"orders 1"
_DATUMS: Final[tuple[str, ...]] = get_args(Crs)


class Orders:
    """The orders of a CSV or Excel file.

    Raises:
        BadFile: when the file cannot be read, or a column that the mapping names is not there, or there twice.
    """

    def __init__(self, path: Path, mapped: Mapped) -> None:
        self.file, self._path, self._mapped = str(path), path, mapped
        self._mapping = mapped.mapping
        self._excel = path.suffix.lower() in EXCEL
        self._columns: dict[str, str] = {field: names[0] for field, names in self._mapping.columns.items()}
        self._constants = {str(field): said for field, said in self._mapping.constants.items()}
        #: What is asked for and isn't among these is not looked for.
        self.fields = frozenset((*self._columns, *self._constants))
        self._meanings = self._mapping.meanings()
        self._lines = {cells.narrow(word): line for word, line in self._mapping.lines.by_category.items()}
        self._categories = {cells.narrow(word): ours for word, ours in self._mapping.categories.items()}
        self.digest = digest_of(path, _VERSION, mapped.raw)
        self._header, _ = self._open()
        self._at = self._places(self._header)

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns that are read, as the mapping has them."""
        return tuple(self._shown.values())

    def _open(self) -> tuple[Header, Iterator[Row]]:
        wanted = [plain(column) for columns in self._mapping.columns.values() for column in columns]
        rows = rows_of(self._path, self._mapping.sheet)
        return find_header(rows, lambda header: sum(name in header.places for name in wanted), self._fixed())

    def _fixed(self) -> tuple[int, ...]:
        return tuple(self._mapping.header or ())

    def _places(self, header: Header) -> dict[str, tuple[int, ...]]:
        """Where each field stands."""
        at: dict[str, tuple[int, ...]] = {}
        self._shown: dict[int, str] = {}
        for field, columns in self._mapping.columns.items():
            at[field] = tuple(self._place(header, field, number, column) for number, column in enumerate(columns))
            self._shown.update(zip(at[field], columns, strict=True))
        return at

    def _place(self, header: Header, field: str, number: int, column: str) -> int:
        found = header.at(column)
        if len(found) == 1:
            return found[0]
        if found:
            what = f"the column {column} stands {len(found)} times in {self.file}"
            remedy = "name it with the heading above it, as in 收货人/姓名, or rename it there"
        else:
            named = ", ".join(name for name in header.names if name) or "no name"
            what = f"there is no column {column} in {self.file}; row {header.row} has {named[:400]}"
            remedy = "correct the name, or say with header: which row has the names"
        raise self._mapped.bad(("columns", field, number), f"columns.{field}: {what}", remedy)

    # --- rows --------------------------------------------------------------------------------------

    def read(self) -> Iterator[Item]:
        """The orders, one item each; rows that are empty or sum up are passed over."""
        _, rows = self._open()
        seen: dict[str, int] = {}
        open_rows: list[Row] = []
        for row in rows:
            if not any(cell not in (None, "") for cell in row.cells):
                continue
            if self._sums_up(row):
                yield from self._close(open_rows, seen)
                open_rows = []
                yield Passed(row.number, "a row of sums")
            elif self._names_again(row):
                yield from self._close(open_rows, seen)
                open_rows = []
                yield Passed(row.number, "the names of the columns again")
            elif self._mapping.rows == "item" and open_rows and self._continues(open_rows[0], row):
                open_rows.append(row)
            else:
                yield from self._close(open_rows, seen)
                open_rows = [row]
        yield from self._close(open_rows, seen)

    def _sums_up(self, row: Row) -> bool:
        first = next((str(cell).strip().lower() for cell in row.cells if cell not in (None, "")), "")
        key = self._at["order_id"][0]
        own = str(row.cells[key] or "").strip().lower() if key < len(row.cells) else ""
        return first.startswith(_SUMS) and (not own or own.startswith(_SUMS))

    def _names_again(self, row: Row) -> bool:
        key = self._at["order_id"][0]
        return key < len(row.cells) and plain(str(row.cells[key])) == plain(self._header.names[key])

    def _continues(self, first: Row, row: Row) -> bool:
        """Whether a row is of the same order: by its number, or without one, as below merged cells."""
        key = self._at["order_id"][0]
        number, own = (str(one.cells[key] or "").strip() if key < len(one.cells) else "" for one in (row, first))
        return number in ("", own)

    def _close(self, rows: list[Row], seen: dict[str, int]) -> Iterator[Item]:
        if not rows:
            return
        reading = _Order(self, rows)
        try:
            raws = reading.events()
        except BadCell:
            # It is among the faults, with its place.
            raws = ()
        if not reading.faults and reading.order_id in seen:
            more = (
                "where each row is an item, say rows: item" if self._mapping.rows == "order"
                else "the rows of one order must follow each other")
            what = f"order {reading.order_id} stands in row {seen[reading.order_id]} already: {more}"
            reading.faults.append(Fault(rows[0].number, self.column("order_id"), what))
        if reading.order_id:
            seen.setdefault(reading.order_id, rows[0].number)
        shown = partial(self._as_text, rows)
        if reading.faults:
            yield Wrong(tuple(reading.faults), shown)
        else:
            yield Unit(rows[0].number, raws, shown)

    def _as_text(self, rows: list[Row]) -> tuple[tuple[str, ...], ...]:
        """The cells that are read, as they stand but for phone numbers."""
        found = ([row.cells[at] if at < len(row.cells) else None for at in self._shown] for row in rows)
        return tuple(tuple("" if cell is None else cells.PHONE.sub("", str(cell)) for cell in row) for row in found)

    # --- what a reading asks for -------------------------------------------------------------------

    @property
    def width(self) -> int:
        """How many columns have a name."""
        return len(self._header.names)

    def misfit(self, row: Row) -> str | None:
        """What is wrong with a row's number of cells: a comma too many or too few moves the rest."""
        beyond = any(cell not in (None, "") for cell in row.cells[self.width:])
        if not beyond and (self._excel or len(row.cells) >= self.width):
            return None
        return f"has {len(row.cells)} cells, the header {self.width}: is there a comma in a text without quotes?"

    def column(self, field: str) -> str:
        """The name of the field's column in the file; the field's own where it is a constant."""
        return self._columns.get(field, field)

    def cell(self, row: Row, field: str) -> Cell:
        """The field's cell; of several columns their texts, one after the other; else its constant."""
        places = self._at.get(field)
        if places is None:
            return self._constants.get(field)
        found = [row.cells[place] if place < len(row.cells) else None for place in places]
        if len(found) == 1:
            return found[0]
        return "".join(dict.fromkeys(part for part in map(cells.text, found) if part))

    def has(self, field: str) -> bool:
        """Whether there is a column for it."""
        return field in self._at

    def deeds(self, cell: Cell) -> Sequence[str]:
        """What a status means.

        Raises:
            BadCell: when the mapping does not say.
        """
        word = cells.narrow(cell)
        if word not in self._meanings:
            if not word:
                return ()
            known = ", ".join(self._meanings)
            raise BadCell(f"the mapping does not say what the status {word[:40]} means; it knows {known[:200]}")
        return self._meanings[word]

    def goods(self, category: Cell, line: Cell) -> tuple[str, str]:
        """The category in our words, and the product line.

        Raises:
            BadCell: when there is none, or the line is unknown.
        """
        word = cells.narrow(category)
        if not word:
            raise BadCell("is empty: an order's goods are of some category")
        said = cells.narrow(line) or self._lines.get(word) or self._mapping.lines.default
        if said not in LINES:
            raise BadCell(f"the product line {said[:40]} is unknown; known are {', '.join(LINES)}")
        return self._categories.get(word, word), said

    @property
    def mapped(self) -> Mapped:
        """The mapping, with its file."""
        return self._mapped


class _Order:
    """One order while it is read: its rows, and all that is wrong with them."""

    def __init__(self, orders: Orders, rows: list[Row]) -> None:
        self._orders, self._rows = orders, rows
        self._mapping = orders.mapped.mapping
        self.faults: list[Fault] = []
        self.order_id = ""

    def _get(self, row: Row, field: str, read: Callable[[Cell], T], otherwise: T) -> T:
        """A field of a row; what is wrong with it is noted, and the reading goes on for whatever else is."""
        if field not in self._orders.fields:
            return otherwise
        try:
            return read(self._orders.cell(row, field))
        except BadCell as error:
            self.faults.append(Fault(row.number, self._orders.column(field), str(error)))
            return otherwise

    def _needed(self, row: Row, field: str, found: T | None) -> T | None:
        column = self._orders.column(field)
        if not found and found != 0 and not any(fault.place == row.number and fault.column == column
                                                for fault in self.faults):
            self.faults.append(Fault(row.number, column, "is empty"))
        return found

    def _money(self, cell: Cell) -> int | None:
        return cells.fen(cell, self._mapping.money)

    def _moment(self, cell: Cell) -> datetime | None:
        return cells.moment(cell, self._mapping.tz, self._mapping.date_format)

    def events(self) -> tuple[bytes, ...]:
        """The order's events; what is wrong stands in `faults`."""
        head = self._rows[0]
        self.faults.extend(
            Fault(row.number, "", what) for row in self._rows if (what := self._orders.misfit(row)) is not None)
        self.order_id = self._needed(head, "order_id", self._get(head, "order_id", cells.name, "")) or ""
        placed_at = self._needed(head, "placed_at", self._get(head, "placed_at", self._moment, None))
        amount, items = self._goods()
        deeds = self._deeds(placed_at)
        data: dict[str, Any] = {"order_id": self.order_id, "items": items, "amount_fen": amount}
        for field in ("member_id", "group_id", "dealer_id", "referrer_id", "group_buy_id"):
            if said := self._get(head, field, cells.name, ""):
                data[field] = said
        if delivery := self._delivery(head):
            data["delivery"] = delivery
        if self.faults or placed_at is None:
            return ()
        return (
            self._event("placed", placed_at, data),
            *(self._event(deed, at, {"order_id": self.order_id, **more}) for deed, at, more in deeds))

    def _goods(self) -> tuple[int, list[dict[str, Any]]]:
        """The amount, and the items."""
        by_line = self._mapping.rows == "item" and self._mapping.amount_is == "line"
        total: int | None = None
        items: list[dict[str, Any]] = []
        for row in self._rows:
            said = self._get(row, "amount", self._money, None)
            if by_line:
                self._needed(row, "amount", said)
                total = (total or 0) + (said or 0)
            elif total is None:
                total = self._needed(row, "amount", said)
            elif said is not None and said != total:
                what = "is another amount than in the order's first row; if it is the item's, say amount_is: line"
                self.faults.append(Fault(row.number, self._orders.column("amount"), what))
            items.append(self._item(row, said or 0))
        return total or 0, items

    def _item(self, row: Row, amount: int) -> dict[str, Any]:
        quantity = self._get(row, "quantity", cells.count, None) or 1
        line = self._orders.cell(row, "line")
        category, line = self._get(row, "category", lambda cell: self._orders.goods(cell, line), ("", "regular"))
        price = self._get(row, "unit_price", self._money, None)
        sku = self._get(row, "sku", cells.name, "") or self._get(row, "product", cells.words, "")[:256] or category
        return {
            # Half a fen more in each is a discount, never a sum that is missing.
            "sku": sku, "category": category, "line": line, "quantity": quantity,
            "unit_price_fen": price if price is not None else -(-amount // quantity)}

    def _deeds(self, placed_at: datetime | None) -> list[tuple[str, datetime, dict[str, Any]]]:
        """What happened to the order beside its placement: by its status, or by a time that is filled in."""
        row = self._rows[0]
        said = self._get(row, "status", self._orders.deeds, NOTHING) if self._orders.has("status") else NOTHING
        changed = self._get(row, "changed_at", self._moment, None)
        note = self._get(row, "note", cells.words, "")
        found: list[tuple[str, datetime, dict[str, Any]]] = []
        for deed in DEEDS[1:]:
            at = self._get(row, TIMES[deed], self._moment, None)
            if at is None and deed not in said:
                continue
            more: dict[str, Any] = {}
            field = {"deposit-paid": "deposit", "refunded": "refund"}.get(deed)
            if field and (sum_ := self._get(row, field, self._money, None)):
                more["amount_fen"] = sum_
            if note and deed in ("cancelled", "refunded"):
                more["note"] = note
            when = at or changed or placed_at
            if when is not None:
                found.append((deed, when, more))
        return found

    def _delivery(self, row: Row) -> dict[str, Any]:
        delivery: dict[str, Any] = {}
        if address := self._get(row, "address", cells.words, ""):
            delivery["address"] = address
        lng = self._get(row, "lng", lambda cell: cells.degrees(cell, 180), None)
        lat = self._get(row, "lat", lambda cell: cells.degrees(cell, 90), None)
        if lng is not None and lat is not None:
            crs = self._get(row, "crs", cells.narrow, "").lower()
            if crs not in _DATUMS:
                known = ", ".join(_DATUMS)
                self.faults.append(Fault(row.number, self._orders.column("crs"), f"is no datum; known are {known}"))
            delivery["location"] = {"lng": lng, "lat": lat, "crs": crs}
        elif (lng is None) != (lat is None):
            field = "lng" if lng is None else "lat"
            self._needed(row, field, None)
        return delivery

    def _event(self, deed: str, at: datetime, data: dict[str, Any]) -> bytes:
        return msgspec.json.encode({
            "specversion": "1.0", "id": f"{self.order_id}/{deed}", "source": self._mapping.source,
            "type": f"loupan.order.{deed}.v1", "time": at.isoformat(), "subject": self.order_id,
            "datacontenttype": "application/json", "data": data,
        })


def digest_of(path: Path, *more: bytes) -> str:
    """The SHA-256 of a file, and of what else decides how it is read."""
    digest = sha256()
    for part in more:
        digest.update(sha256(part).digest())
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise BadFile(str(path), None, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    return digest.hexdigest()
