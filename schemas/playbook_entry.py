"""What is done before there is a group, and to fill it: series of ways, each a few days of steps, with what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import NAME, Clock, Part, Said, ScriptText, Section
from schemas.values import VISIBLE_ACTIONS, Action, PersonaClass, Role


class EntryStep(Part):
    """One thing that one of the shop's people does outside of any group: a call, a visit, a check, an invitation."""

    id: Annotated[str, Field(pattern=NAME)]
    #: The day of the way, from 1.
    day: int = Field(ge=1, le=31)
    at: Clock
    role: Role
    action: Action
    script: ScriptText
    priority: int = Field(default=5, ge=1, le=9)
    minutes: int = Field(default=30, ge=10, le=240)

    @model_validator(mode="after")
    def _is_done_by_staff_out_of_sight(self) -> Self:
        if self.role is Role.SHILL or self.script.speaks_as is not PersonaClass.STAFF:
            raise ValueError(f"{self.id} is for staff: whoever knocks at a door says that they are of the shop")
        if self.action in VISIBLE_ACTIONS:
            raise ValueError(f"{self.id} says something in a group, and there is none yet: call, visit, check, invite")
        return self


class EntryWay(Part):
    """One way in, and the days that it is given."""

    id: Annotated[str, Field(pattern=NAME)]
    title: str
    days: int = Field(ge=1, le=31)
    steps: tuple[EntryStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _steps_lie_in_its_days(self) -> Self:
        late = next((step for step in self.steps if step.day > self.days), None)
        if late is not None:
            raise ValueError(f"{late.id} is on day {late.day} of {self.id}, which has {self.days}")
        return self


class Series(Part):
    """Ways that are gone one after the other until the evidence is there that one of them led in."""

    ways: tuple[EntryWay, ...] = Field(min_length=1)

    def on(self, day: int) -> tuple[EntryWay, int] | None:
        """The way that is gone on a day of the series, and the day of the way; None after the last."""
        for way in self.ways:
            if day <= way.days:
                return way, day
            day -= way.days
        return None


class PoolSeries(Series):
    """Ways to fill a group until it has so many members."""

    members: int = Field(ge=1, le=500)


class Support(Part):
    """What HQ gives to an estate that is worked: a budget, scripts, a designer, somebody to help."""

    what: Literal["budget", "scripts", "designer", "people"]
    text: str = Field(min_length=1, max_length=200)


class Entry(Section):
    """The section `entry`.

    `build` leads to a group of the shop's own, and ends when the estate has one; `enter` leads into the owners' group,
    and ends with its owner's leave (the group is there and open to us); `pool` fills the group, and ends with
    `members`. A shop within `reach_km` of the estate goes where no dealer has a group there.
    """

    reach_km: float = Field(default=15.0, gt=0, le=200)
    build: Series | None = None
    enter: Series | None = None
    pool: PoolSeries | None = None
    #: Shown to HQ for each estate with a group and a campaign.
    support: tuple[Support, ...] = ()

    def series(self) -> dict[str, Series]:
        """The series that there are, by name."""
        found = {"build": self.build, "enter": self.enter, "pool": self.pool}
        return {name: series for name, series in found.items() if series is not None}

    def said(self) -> Iterator[Said]:
        """Every step's script."""
        for name, series in self.series().items():
            for number, way in enumerate(series.ways):
                for place, step in enumerate(way.steps):
                    yield Said(loc=(name, "ways", number, "steps", place, "script"), id=step.id, role=step.role,
                               action=step.action, script=step.script, at=step.at)
