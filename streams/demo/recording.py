"""Recorded streams: the simulated life of any reference's groups as a file, one CloudEvent a line."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from pathlib import Path

from schemas.reference import Reference
from streams.demo.chatter import Scale
from streams.demo.life import Life

#: Where a reference has no campaign, life begins here; China has one zone and no summer time.
_ZONE = timezone(timedelta(hours=8))
_DEFAULT_DAY_1 = "2026-03-02"


def record(
    reference: Reference, *, seed: int, days: int, noise: bool, out: Path, scale: Scale | None = None
) -> dict[str, int]:
    """Write a recorded stream to `out` and count what is in it.

    It begins at 6:00 on the day before the first campaign and runs for `days` days. Nobody hands out tasks while it
    is recorded, so personas say nothing in it; buyers' earlier orders stand at its beginning.

    Returns:
        `lines` (all), `events` (good ones, each once), `late` (of those: after younger ones), `duplicates` (the same
        line again), and the lines that must end as dead letters: `broken`, `unknown_type`, `no_datum`; and
        `unknown_group`, events that are well formed, of groups that the reference doesn't have.
    """
    first = min((plan.start_date for plan in reference.campaigns), default=_DEFAULT_DAY_1)
    start = datetime.combine(datetime.fromisoformat(first).date() - timedelta(days=1), time(6), _ZONE)
    life = Life(reference, seed, start, noise=noise, scale=scale)
    with out.open("wb") as file:
        for day in range(1, days + 1):
            file.writelines(raw + b"\n" for raw in life.until(start + timedelta(days=day)))
    return dict(life.wire.counts)
