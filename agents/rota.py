"""The rota: when a persona may be asked for something. Working hours, days off, absences, the day's load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from agents.shop_rows import Absence, AwayRow, away_row
from agents.turn import Turn
from schemas.reference import Persona, Reference
from schemas.values import TaskStatus

#: How weekdays are written in `days_off`, Monday first.
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What takes nobody's time any more.
_FREED: Final = frozenset({TaskStatus.WITHDRAWN, TaskStatus.SKIPPED})

#: Why somebody cannot be asked, as `Rota.fault` says it.
OFF, AWAY, HOURS, LOAD = "day off", "away", "outside working hours", "the day's load is full"


def is_off(persona: Persona, day: date) -> bool:
    """Whether it is one of the persona's days off: a weekday, or that very date."""
    return WEEKDAYS[day.weekday()] in persona.days_off or day.isoformat() in persona.days_off


def is_away(absences: Iterable[Absence], persona_id: str, day: date) -> bool:
    """Whether the persona said to be away on that day."""
    return any(
        away.persona_id == persona_id and away.first <= day.isoformat() <= away.last for away in absences)


def in_hours(persona: Persona, start: datetime, end: datetime) -> bool:
    """Whether a window of local time lies in the persona's working hours."""
    if persona.hours is None:
        return True
    first, last = persona.hours
    return start.date() == end.date() and first <= start.time() and end.time() <= last


def is_bound(persona: Persona) -> bool:
    """Whether anything bounds when or how much the persona may be asked."""
    return bool(persona.hours or persona.days_off or persona.load is not None)


def share(persona: Persona, estate_id: str, day: date, reference: Reference) -> int | None:
    """How many of the persona's tasks a day one estate may ask for; None where there is no bound.

    Each estate decides alone, so the load is parted evenly among those where the person has a group and a campaign is
    planned to have begun (campaigns.csv); what is left over goes to the first ones by id. Together they never pass it.
    A campaign that campaigns.csv does not know is not seen by the others.
    """
    if persona.load is None:
        return None
    begun = {plan.estate_id for plan in reference.campaigns if plan.start_date <= day.isoformat()}
    ours = {
        group.estate_id for one in reference.personas_of_member.get(persona.member_id, (persona,))
        for group_id in one.groups if (group := reference.groups.get(group_id)) is not None and group.estate_id in begun
    }
    estates = sorted({*ours, estate_id}, key=str)
    each, over = divmod(persona.load, len(estates))
    return each + (estates.index(estate_id) < over)


class Rota:
    """Who may be asked in one estate, in one turn; what it gives to people counts at once."""

    __slots__ = ("turn", "reference", "absences", "_busy")

    def __init__(self, turn: Turn, absences: tuple[Absence, ...]) -> None:
        self.turn, self.reference, self.absences = turn, turn.world.reference, absences
        self._busy: Counter[tuple[str, date]] | None = None

    @classmethod
    def of(cls, turn: Turn) -> Rota:
        """The rota of the turn's estate."""
        away: AwayRow | None = turn.rows.get(away_row(turn.estate_id))
        return cls(turn, away.absences if away is not None else ())

    @property
    def busy(self) -> Counter[tuple[str, date]]:
        """How many tasks each account has on each day; only looked at where somebody has a bound."""
        if self._busy is None:
            self._busy = Counter(
                (account_of(row.task.persona_id or "", self.reference), self.turn.day_of(row.task.window.start))
                for row in self.turn.tasks() if row.task.status not in _FREED)
        return self._busy

    def give(self, persona_id: str, day: date) -> None:
        """One more task of the persona's on a day."""
        if self._busy is not None:
            self._busy[account_of(persona_id, self.reference), day] += 1

    def comes(self, persona: Persona, day: date) -> bool:
        """Whether the persona works on that day at all."""
        return not is_off(persona, day) and not is_away(self.absences, persona.persona_id, day)

    def fault(self, persona: Persona, start: datetime, end: datetime) -> str | None:
        """Why the persona cannot be asked for a window of local time; None where they can."""
        day = start.date()
        if self.absences and is_away(self.absences, persona.persona_id, day):
            return AWAY
        if not is_bound(persona):
            return None
        if is_off(persona, day):
            return OFF
        if not in_hours(persona, start, end):
            return HOURS
        most = share(persona, self.turn.estate_id, day, self.reference)
        return LOAD if most is not None and self.busy[persona.member_id, day] >= most else None

    def free(self, personas: Iterable[Persona], start: datetime, end: datetime) -> tuple[Persona, ...]:
        """Those who can be asked for a window of local time."""
        return tuple(persona for persona in personas if self.fault(persona, start, end) is None)

    def works(self, persona: Persona, start: datetime, end: datetime) -> bool:
        """Whether the persona works in a window of local time, whatever they have to do in it."""
        return self.fault(persona, start, end) in (None, LOAD)

    def room(self, personas: Iterable[Persona], day: date) -> dict[str, int]:
        """How many more tasks each account may be given on a day; no entry where there is no bound."""
        left: dict[str, int] = {}
        for persona in personas:
            most = share(persona, self.turn.estate_id, day, self.reference)
            if most is not None:
                free = max(most - self.busy[persona.member_id, day], 0)
                left[persona.member_id] = min(free, left.get(persona.member_id, free))
        return left


def room_of(personas: Iterable[Persona]) -> dict[str, int]:
    """How many tasks each account takes on a day, over all groups: the least that any of its personas says."""
    most: dict[str, int] = {}
    for persona in personas:
        if persona.load is not None:
            most[persona.member_id] = min(persona.load, most.get(persona.member_id, persona.load))
    return most


def account_of(persona_id: str, reference: Reference) -> str:
    """The account behind a persona; what one person does under two names counts together."""
    persona = reference.personas.get(persona_id)
    return persona.member_id if persona is not None else persona_id
