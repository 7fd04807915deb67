"""The simulated life of groups: everything that happens in them, in time order, the same for the same seed.

Nothing of it is real, and every event's source says so (`simulated/…`). There is no clock in here: the caller
says until when life should go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from schemas.reference import CampaignPlan, Estate, Reference
from schemas.tasks import Task
from streams.demo.chatter import Chatter, Scale
from streams.demo.crew import Crew
from streams.demo.shoppers import Shoppers
from streams.demo.talk import talk
from streams.demo.wire import DAY, HOUR, Wire


class Life:
    """The life of all groups of a reference from `start` on; `start` needs an offset, which all times carry.

    Members who were in a group before `start` join within its first ten minutes, as an archive hands them over; the
    orders that buyers' testimonies rest on lie before it. A good start is the morning before the first campaign.
    Without `tasks` the bytes do not depend on how often `until` is called.
    """

    def __init__(
        self, reference: Reference, seed: int, start: datetime, *, scale: Scale | None = None, noise: bool = False
    ) -> None:
        offset = start.utcoffset()
        if offset is None:
            raise ValueError("start needs an offset, as 2026-03-01T06:00:00+08:00")
        self._now = self._hour = int(start.timestamp() * 1000)
        self.wire = Wire(seed, int(offset.total_seconds() * 1000), noise=noise)
        self._book = talk()
        plans = {plan.estate_id: plan for plan in reversed(reference.campaigns)}
        first = min((plan.start_date for plan in reference.campaigns), default=start.date().isoformat())
        neighbourhoods = _Neighbourhoods(reference)
        self.chatters: dict[str, Chatter] = {}
        self._shoppers: list[Shoppers] = []
        for number, group in enumerate(reference.groups.values()):
            plan = plans.get(group.estate_id) if group.estate_id else None
            estate = reference.estates.get(group.estate_id) if group.estate_id else None
            chatter = Chatter(
                group, reference, self.wire, self._book, start_ms=self._now, scale=scale or Scale(), surely=number == 0,
                day_1=date.fromisoformat(plan.start_date if plan else first), near=neighbourhoods.near(estate),
            )
            self._open(chatter, plan)
        self._crew = Crew(self.wire, self._book, self.chatters)

    def until(self, now: datetime, tasks: Iterable[Task | Mapping[str, Any]] = ()) -> list[bytes]:
        """What arrives after the last call and up to `now`: CloudEvents in JSON, in the order of arrival.

        `tasks` are the open tasks as their read model has them (any status; only issued and claimed ones are worked).
        Without noise the order of arrival is that of the events' times.
        """
        now_ms = int(now.timestamp() * 1000)
        if now_ms <= self._now:
            return []
        while self._hour <= now_ms:
            self._live(self._hour)
            self._hour += HOUR
        self._crew.work(tasks, self._now, now_ms)
        self._now = now_ms
        return self.wire.take(now_ms)

    def _open(self, chatter: Chatter, plan: CampaignPlan | None) -> None:
        self.chatters[chatter.group.group_id] = chatter
        self._shoppers.append(Shoppers(chatter, self.wire, plan, self._now))

    def _live(self, hour_ms: int) -> None:
        for chatter in self.chatters.values():
            chatter.hour(hour_ms)
        midnight = (hour_ms + self.wire.offset_ms) // DAY * DAY - self.wire.offset_ms
        if hour_ms - midnight < HOUR:
            for shoppers in self._shoppers:
                shoppers.day(shoppers.chatter.day(hour_ms), midnight)


class _Neighbourhoods:
    """The estates of each district, in the book's order."""

    def __init__(self, reference: Reference) -> None:
        self.all = [estate for estate in reference.estates.values() if estate.name]
        self.of: dict[tuple[str, str], list[Estate]] = {}
        for estate in self.all:
            self.of.setdefault((estate.city, estate.district), []).append(estate)

    def near(self, estate: Estate | None) -> list[Estate]:
        """The estates of the same district; all of them where the estate isn't known."""
        return self.of.get((estate.city, estate.district), self.all) if estate else self.all
