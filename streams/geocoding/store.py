"""What geocoders said, and how often they were asked, in the database."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct
from sqlalchemy import Connection

from schemas.values import Crs
from streams.geocoding.answers import Geocoded, Precision
from streams.sql import sql_of

#: «No such place» is asked again after so long: maps are mended, and new estates are drawn into them.
NOTHING_KEPT = timedelta(days=30)


class Kept(Struct, frozen=True):
    """A kept answer; `found` is None where the provider knew no such place."""

    found: Geocoded | None


def kept(connection: Connection, provider: str, address: str, at: int, days: int) -> Kept | None:
    """What the provider said of an address within the last `days` (of nothing: `NOTHING_KEPT`), seen at `at`."""
    row = sql_of(connection)(
        "SELECT lng, lat, crs, precision, level, at FROM geocodes WHERE provider = ? AND address = ?",
        (provider, address)).fetchone()
    if row is None:
        return None
    lng, lat, crs, precision, level, then = row
    lasts = timedelta(days=days) if crs else min(NOTHING_KEPT, timedelta(days=days))
    if at - then >= lasts / timedelta(milliseconds=1):
        return None
    datum: Crs | None = crs
    return Kept(Geocoded(lng, lat, datum, Precision(precision), level) if datum else None)


def keep(connection: Connection, provider: str, address: str, found: Geocoded | None, at: int) -> None:
    """Keep an answer; the transaction is the caller's."""
    said = (found.lng, found.lat, found.crs, found.precision.value, found.level) if found else (None,) * 5
    sql_of(connection)(
        "INSERT INTO geocodes (provider, address, lng, lat, crs, precision, level, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (provider, address) DO UPDATE SET lng = excluded.lng, lat = excluded.lat, crs = excluded.crs, "
        "precision = excluded.precision, level = excluded.level, at = excluded.at", (provider, address, *said, at))


def take(connection: Connection, provider: str, day: str, budget: int) -> bool:
    """Count one more call of this day (YYYY-MM-DD), if the budget allows it; the transaction is the caller's."""
    if budget <= 0:
        return False
    row = sql_of(connection)(
        "INSERT INTO geocoder_calls (provider, day, calls) VALUES (?, ?, 1) "
        "ON CONFLICT (provider, day) DO UPDATE SET calls = geocoder_calls.calls + 1 "
        "WHERE geocoder_calls.calls < ? RETURNING calls", (provider, day, budget)).fetchone()
    return row is not None


def used(connection: Connection, provider: str, day: str) -> int:
    """The calls of a day so far."""
    row = sql_of(connection)(
        "SELECT calls FROM geocoder_calls WHERE provider = ? AND day = ?", (provider, day)).fetchone()
    return row[0] if row else 0
