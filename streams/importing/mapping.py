"""The mapping file: which column of a table of orders is what, and how it is written there."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas.errors import BadFile
from streams.csv_rows import read_text
from streams.importing.cells import narrow
from streams.yaml_lines import Document, read_yaml
from streams.zones import ZoneName, zone_of

#: What a column can say of an order.
Name = Literal[
    "order_id", "placed_at", "amount", "status", "member_id", "group_id", "dealer_id", "address", "lng", "lat", "crs",
    "sku", "product", "category", "line", "quantity", "unit_price", "referrer_id", "group_buy_id", "note",
    "deposit", "refund", "deposit_at", "paid_at", "cancelled_at", "refunded_at", "delivered_at", "installed_at",
    "changed_at",
]
NAMES: Final[tuple[str, ...]] = get_args(Name)
#: What a status can mean; each is the event `loupan.order.<it>.v1`, the placement goes without saying.
Deed = Literal["placed", "deposit-paid", "paid", "cancelled", "refunded", "delivered", "installed"]
DEEDS: Final[tuple[str, ...]] = get_args(Deed)
#: The column in which a deed's own time stands.
TIMES: Final[dict[str, str]] = {
    "deposit-paid": "deposit_at", "paid": "paid_at", "cancelled": "cancelled_at", "refunded": "refunded_at",
    "delivered": "delivered_at", "installed": "installed_at",
}
Line = Literal["traffic", "regular", "service", "referral"]
LINES: Final[tuple[str, ...]] = get_args(Line)
#: These no order is without.
_NEEDED: Final = ("order_id", "placed_at", "amount")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


#: One column, or several whose texts belong together (province, city, address).
Columns = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1, max_length=20)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ByCategory(_Part):
    """The product line of an order's goods: by category, else `default`."""

    default: Line = "regular"
    by_category: dict[str, Line] = {}


class Mapping(_Part):
    """A mapping file. Names of columns are compared without blanks; what is not named is not read."""

    source: Annotated[str, Field(min_length=1, max_length=200)]
    columns: dict[Name, Columns]
    constants: dict[Name, Text] = {}
    statuses: dict[str, Annotated[list[Deed], BeforeValidator(_listed)]] = {}
    categories: dict[str, str] = {}
    lines: ByCategory = ByCategory()
    money: Literal["yuan", "fen"]
    date_format: Annotated[list[str], BeforeValidator(_listed)] = []
    zone: ZoneName = "Asia/Shanghai"
    sheet: Text | None = None
    header: Annotated[
        list[Annotated[int, Field(ge=1, le=100)]], BeforeValidator(_listed), Field(min_length=1, max_length=2)
    ] | None = None
    rows: Literal["order", "item"] = "order"
    amount_is: Literal["total", "line"] = "total"

    @field_validator("date_format")
    @classmethod
    def _formats(cls, formats: list[str]) -> list[str]:
        probe = datetime(2026, 3, 2, 19, 30)  # noqa: DTZ001  # only written and read again
        for form in formats:
            try:
                back = datetime.strptime(probe.strftime(form), form)  # noqa: DTZ007  # as above
            except ValueError as error:
                raise ValueError(f"{form} is no format: write it as in %Y-%m-%d %H:%M") from error
            if (back.year, back.month, back.day) != (2026, 3, 2):
                raise ValueError(f"{form} does not say year (%Y), month (%m) and day (%d)")
        return formats

    @model_validator(mode="after")
    def _whole(self) -> Mapping:
        for name in _NEEDED:
            if name not in self.columns:
                raise ValueError(f"columns lack {name}: no order is without it")
        for name in ("category",):
            if name not in self.columns and name not in self.constants:
                raise ValueError(f"{name} is neither in columns nor in constants: name one, or the other")
        if "status" in self.columns and not self.statuses:
            raise ValueError("there is a column for status, but statuses does not say what its words mean")
        if "lng" in self.columns and not {"crs"} & {*self.columns, *self.constants}:
            raise ValueError("points want their datum: put crs (wgs84, gcj02 or bd09) into constants")
        if ("lng" in self.columns) != ("lat" in self.columns):
            raise ValueError("lng and lat go together: name both columns")
        if self.rows == "item" and self.amount_is == "total" and "unit_price" not in self.columns:
            raise ValueError(
                "where each row is an item, its price must be known: name unit_price, or say amount_is: line")
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The zone of times that say none."""
        return zone_of(self.zone)

    def meanings(self) -> MappingOf[str, tuple[Deed, ...]]:
        """What each status means, by its word as cells are compared."""
        return {narrow(word): tuple(deeds) for word, deeds in self.statuses.items()}


class Mapped:
    """A mapping with the file that it stands in."""

    def __init__(self, mapping: Mapping, file: str, document: Document, raw: bytes) -> None:
        self.mapping, self.file, self.raw = mapping, file, raw
        self._document = document

    def bad(self, loc: tuple[str | int, ...], what: str, remedy: str = "") -> BadFile:
        """An error at a key of the mapping."""
        return BadFile(self.file, self._document.line(loc), what, remedy)


def read_mapping(path: Path) -> Mapped:
    """Read a mapping file.

    Raises:
        BadFile: with the line and the key of what is wrong.
    """
    text = read_text(path, str(path))
    document = read_yaml(text, str(path), BadFile)
    if not isinstance(document.data, dict):
        raise BadFile(str(path), 1, "no mapping stands in it", "begin with one: loupan import FILE --suggest-mapping")
    try:
        mapping = Mapping.model_validate(document.data)
    except ValidationError as error:
        raise _said(error, str(path), document) from error
    return Mapped(mapping, str(path), document, text.encode())


def _said(error: ValidationError, file: str, document: Document) -> BadFile:
    """The first thing that is wrong, with its line and key."""
    first = error.errors()[0]
    loc = tuple(part for part in first["loc"] if part != "[key]")
    key = ".".join(str(part) for part in loc)
    line = document.line(loc)
    if first["type"] == "extra_forbidden":
        return BadFile(file, line, f"{key} is no key of a mapping", f"known are {', '.join(Mapping.model_fields)}")
    if first["type"] == "missing":
        return BadFile(file, line, f"{key} is missing", _REMEDIES.get(key, "write it"))
    if first["loc"][-1:] == ("[key]",) and first["loc"][0] in ("columns", "constants"):
        return BadFile(file, line, f"{key}: an order has no {loc[-1]}", f"known are {', '.join(NAMES)}")
    what = first["msg"].removeprefix("Value error, ")
    what = what[:1].lower() + what[1:]
    return BadFile(file, line, f"{key}: {what}" if key else what)


_REMEDIES: Final = {
    "source": "name the system of the orders, as in source: erp; with the order's number it names each event",
    "money": "say money: yuan, or money: fen",
    "columns": "say which column is what, as in columns: {order_id: 订单号}",
}
