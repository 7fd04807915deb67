"""Asking a geocoder: what was said before first, within the day's budget, and never so that its failure is ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeopyError,
)
from geopy.extra.rate_limiter import RateLimiter
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from maps.addresses import parse
from maps.divisions import short
from maps.names import without_home
from schemas.values import Crs
from streams.geocoding.answers import Geocoded, Precision
from streams.geocoding.breaker import Breaker
from streams.geocoding.store import keep, kept, take, used
from streams.geocoding.vendor import MISREAD

log = structlog.get_logger()

#: Failures after which asking again is of no use before somebody has done something, or the next day has come.
_FOR_GOOD = (GeocoderAuthenticationFailure, GeocoderInsufficientPrivileges, GeocoderQuotaExceeded)


class Geocoder(Protocol):
    """A geocoder of geopy, whose datum is known."""

    name: str
    crs: Crs

    def geocode(self, query: str, *, city: str = "") -> Any:
        """The `geopy.Location` of an address, or None."""

    def precision(self, location: Any) -> tuple[Precision, str]:
        """How precise an answer is, and the provider's word for it."""

    def city(self, location: Any) -> str:
        """The city that an answer lies in, if the provider says it."""


@dataclass
class Tally:
    """What became of the questions of a run."""

    asked: int = 0
    """Calls to the provider."""
    from_cache: int = 0
    nothing: int = 0
    """Questions to which the provider knows no place."""
    failed: int = 0
    """Calls that failed."""
    left_alone: int = 0
    """Not asked, because the provider kept failing."""
    over_budget: int = 0
    """Not asked, because the day's budget was used up."""
    vague: int = 0
    """Not asked, because the address names neither a road nor an estate in a city."""


class Geocoding:
    """Addresses to points by one provider.

    `budget` calls a day at most, which begins at midnight of what `now` gives; `per_second` questions at most; answers
    are kept `days`. Only `Address.public` is ever sent: no building, unit or room.
    """

    def __init__(
        self, engine: Engine, geocoder: Geocoder, *, budget: int, per_second: float, days: int,
        now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._geocoder = engine, geocoder
        self._budget, self._days, self._now = budget, days, now
        # Not repeated: every call is counted, and the breaker says when it is worth asking again.
        self._ask = RateLimiter(
            geocoder.geocode, min_delay_seconds=1 / per_second, error_wait_seconds=1 / per_second, max_retries=0,
            swallow_exceptions=False)
        self._breaker = Breaker(clock)
        self._said_budget = ""
        self.tally = Tally()

    def __str__(self) -> str:
        """What became of its questions, for people."""
        tally = self.tally
        parts = [f"{tally.asked} calls", f"{tally.from_cache} answered before", f"{tally.nothing} not found"]
        more = (
            (tally.vague, "too vague to ask"), (tally.failed, "failed"),
            (tally.left_alone, "not asked after failures"), (tally.over_budget, "over the day's budget"),
        )
        parts += [f"{count} {what}" for count, what in more if count]
        return f"geocoder {self.provider}: {', '.join(parts)}"

    @property
    def provider(self) -> str:
        """Its name."""
        return self._geocoder.name

    def locate(self, address: str, city: str = "", *, of_estate: bool = False) -> Geocoded | None:
        """Where an address is, as far as the provider knows; None where it knows nothing, or cannot be asked.

        `city` is where the address is from, if it doesn't say so itself; `of_estate` that it is an estate's own and
        not a person's.
        """
        question = question_of(address, city, of_estate=of_estate)
        if not question:
            self.tally.vague += 1
            return None
        try:
            return self._located(question, city)
        except DBAPIError as error:
            # The cache and the budget cannot be had: without them nobody is asked.
            self.tally.failed += 1
            log.warning("geocoder_database", provider=self.provider, error=str(error.orig))
            return None

    def left(self) -> int:
        """How many calls of the day's budget are left."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return max(0, self._budget - used(connection, self.provider, self._day()))

    def ready(self) -> str | None:
        """What is wrong with the provider, by one call that counts but is not looked up: None where it answers."""
        with self._engine.begin() as connection:
            if not take(connection, self.provider, self._day(), self._budget):
                return "the day's budget is used up"
        try:
            self._ask("北京市")
        except (GeopyError, *MISREAD) as error:
            return _reason(error)
        return None

    def _located(self, question: str, city: str) -> Geocoded | None:
        with self._engine.connect().execution_options(reading=True) as connection:
            before = kept(connection, self.provider, question, self._at(), self._days)
        if before is not None:
            self.tally.from_cache += 1
            return before.found
        if self._breaker.open:
            self.tally.left_alone += 1
            return None
        with self._engine.begin() as connection:
            allowed = take(connection, self.provider, self._day(), self._budget)
        if not allowed:
            self._over_budget()
            return None
        answered, found = self._answer(question, city)
        if answered:
            self.tally.nothing += found is None
            with self._engine.begin() as connection:
                keep(connection, self.provider, question, found, self._at())
        return found

    def _answer(self, question: str, city: str) -> tuple[bool, Geocoded | None]:
        """Whether the provider answered, and what. No transaction is open meanwhile."""
        self.tally.asked += 1
        try:
            location = self._ask(question, city=city)
            found = self._read(location, parse(question).city or city) if location is not None else None
        except GeocoderQueryError as error:
            # It is well, and does not understand this address: that is an answer.
            log.info("geocoder_refused_address", provider=self.provider, error=str(error))
            self._breaker.worked()
            return True, None
        except (GeopyError, *MISREAD) as error:
            self.tally.failed += 1
            for_good = isinstance(error, _FOR_GOOD) and not isinstance(error, GeocoderRateLimited)
            reason = _reason(error)
            if self._breaker.failed(reason, at_once=for_good):
                log.warning("geocoder_left_alone", provider=self.provider, error=reason)
            return False, None
        self._breaker.worked()
        return True, found

    def _read(self, location: Any, city: str) -> Geocoded:
        precision, level = self._geocoder.precision(location)
        there = self._geocoder.city(location)
        if there and short(there) != short(city):
            # 长春市学府路123号 for 哈尔滨市学府路123号: it is no such place.
            precision, level = Precision.AREA, f"{level} ({there})"
        return Geocoded(location.longitude, location.latitude, self._geocoder.crs, precision, level)

    def _over_budget(self) -> None:
        self.tally.over_budget += 1
        if self._said_budget != (day := self._day()):
            self._said_budget = day
            log.warning("geocoder_budget_used_up", provider=self.provider, day=day, budget=self._budget)

    def _day(self) -> str:
        return self._now().date().isoformat()

    def _at(self) -> int:
        return int(self._now().timestamp() * 1000)


def question_of(address: str, city: str = "", *, of_estate: bool = False) -> str:
    """What may be asked of an address: its `public` part, in its city; empty where that says too little.

    An address of no city, or of neither a road nor an estate, is not asked: a provider would guess. What is left of a
    person's address that has no road and says no city itself may be the person's name, and is not asked either.
    """
    said = parse(address, city)
    where = "" if said.city else city.strip()
    named = said.road or (said.estate and (said.city or of_estate))
    if not (said.city or where) or not named:
        return ""
    return f"{where}{without_home(said.public)}".replace(",", "")


def _reason(error: Exception) -> str:
    """What failed, in one line and without what was asked."""
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}" if str(error) else type(error).__name__
