"""What a category's groups usually reach, as data: the curves that a campaign is held against, day by day."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.playbook_parts import Part

#: Cumulative figures by the stage's day: ``{8: 1, 11: 2.5}``.
Curve = Annotated[dict[int, Annotated[float, Field(ge=0)]], Field(min_length=1)]


class Baseline(Part):
    """One stage: how many have got so far by the evening of a day, to 100 members or households.

    Between the days that are named a curve is straight, from nothing before the first day; after the last it is flat.
    """

    stage: int = Field(ge=1, le=9)
    participants: Curve | None = None
    interested: Curve | None = None
    sign_ups: Curve | None = None
    orders: Curve

    def curves(self) -> dict[str, dict[int, float]]:
        """The curves that are given, in the order of the funnel."""
        names = ("participants", "interested", "sign_ups", "orders")
        return {name: curve for name in names if (curve := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _curves_rise(self) -> Self:
        for name, curve in self.curves().items():
            figures = [curve[day] for day in sorted(curve)]
            if min(curve) < 1:
                raise ValueError(f"{name} has the day {min(curve)}: the first is 1")
            if figures != sorted(figures):
                raise ValueError(f"{name} falls: the figures are of all days up to that one")
        return self


class Baselines(Part):
    """The section `baselines`: whose figures they are, and from when on HQ is told that a campaign falls behind."""

    #: Whose count it is; `estimate` where it is nobody's yet.
    source: str = Field(min_length=1, max_length=200)
    per: Literal["members", "households"] = "members"
    #: Behind is who has less than this share of what is expected.
    behind: float = Field(default=0.6, gt=0, lt=1)
    #: HQ is told again when the share has fallen by so much more.
    worse: float = Field(default=0.2, gt=0, lt=1)
    #: Nothing is said while fewer than so many are expected: of one or two chance decides.
    least: float = Field(default=2.0, ge=1)
    stages: tuple[Baseline, ...] = Field(min_length=1)

    def stage(self, number: int) -> Baseline | None:
        """The baseline of a stage."""
        return next((one for one in self.stages if one.stage == number), None)

    @model_validator(mode="after")
    def _one_for_each_stage(self) -> Self:
        numbers = [one.stage for one in self.stages]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            raise ValueError(f"stage {twice} stands twice")
        return self
