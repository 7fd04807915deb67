"""Whether a campaign keeps up with what its category's groups usually reach, and where it is weakest.

Once a day, when the day turns, its figures are held against the playbook's `baselines`. Where one has less than the
share `behind` of what is expected, HQ is told: once a phase, and again only when the share has fallen by `worse` more.

The leak is the step of the funnel at which most was lost against the baseline: of each figure, its share of what is
expected divided by that of the figure before it; the least counts. The weakest part of the deal formula is the one of
whose planned duties the smallest share was done or seen so far in this campaign; of equal ones the first that the leak
rests on, then the first by the formula's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

from msgspec.structs import replace

from agents import planner
from agents.shop_rows import BehindRow, FormulaRow, behind_row, formula_row
from agents.state import CampaignRow
from agents.turn import Turn
from schemas.playbook import Formula
from schemas.playbook_baselines import Baseline
from schemas.tasks import Behind, CampaignBehind
from schemas.values import TaskStatus

#: Which parts of the formula lift whom to where: what a leak rests on (the trade's manual, phase by phase: trust lets
#: people speak, need and value make them ask, benefit and risk let them sign up, risk and threshold let them pay).
RESTS_ON: dict[str, tuple[Formula, ...]] = {
    "participants": (Formula.TRUST, Formula.NEED),
    "interested": (Formula.NEED, Formula.VALUE),
    "sign_ups": (Formula.BENEFIT, Formula.RISK),
    "orders": (Formula.RISK, Formula.THRESHOLD),
}
_DONE = frozenset({TaskStatus.DONE, TaskStatus.VERIFIED})
_PARTS = tuple(Formula)


def count_day(turn: Turn) -> None:
    """A day is about to turn: count, part by part, which of its planned duties were done."""
    campaign, plan = turn.campaign, turn.phase_plan()
    if campaign is None or plan is None or turn.play.playbook.baselines is None:
        return
    known = _formula(turn, campaign)
    asked, done = list(known.asked), list(known.done)
    groups = [group.group_id for group in turn.worked_groups()]
    did = {
        (row.task.group_id, row.task.script.id) for row in turn.tasks()
        if row.task.status in _DONE and row.task.campaign_id == campaign.campaign_id and row.task.day == campaign.day
    }
    day = date.fromisoformat(campaign.planned) if campaign.planned else None
    for duty in planner.duties_of(plan, campaign.phase_day, day):
        times = sum(not did.isdisjoint(((group, duty.id), (group, f"{duty.id}-instead"))) for group in groups)
        for part in duty.script.formula:
            asked[_PARTS.index(part)] += len(groups)
            done[_PARTS.index(part)] += times
    after = FormulaRow(campaign.campaign_id, tuple(asked), tuple(done))
    if after != known:
        turn.rows.put(formula_row(turn.estate_id), after)


def _formula(turn: Turn, campaign: CampaignRow) -> FormulaRow:
    row: FormulaRow | None = turn.rows.get(formula_row(turn.estate_id))
    same = row is not None and row.campaign_id == campaign.campaign_id
    return row if row is not None and same else FormulaRow(campaign.campaign_id)


def compare(turn: Turn, measures: Mapping[str, float]) -> None:
    """The days have turned: hold the campaign against its baseline, and tell HQ where it has fallen behind."""
    campaign, section = turn.campaign, turn.play.playbook.baselines
    baseline = section.stage(campaign.stage) if campaign is not None and section is not None else None
    if campaign is None or section is None or baseline is None or not turn.running:
        return
    expected = expectations(baseline, _base(turn, section.per, measures), campaign.day - 1)
    shares = {name: measures[name] / figure for name, figure in expected.items() if figure >= section.least}
    worst = min(shares, key=lambda name: shares[name], default=None)
    told: BehindRow | None = turn.rows.get(behind_row(turn.estate_id))
    if worst is None or shares[worst] >= section.behind:
        if told is not None and told.now:
            turn.rows.put(behind_row(turn.estate_id), replace(told, now=False))
            turn.touched = True
        return
    anew = told is None or (told.campaign_id, told.phase_seq) != (campaign.campaign_id, campaign.phase_seq)
    say = told is None or anew or shares[worst] <= told.share - section.worse
    leak = leak_of(expected, measures)
    done = _shares_done(_formula(turn, campaign))
    row = BehindRow(
        campaign.campaign_id, campaign.phase_seq, round(shares[worst], 4) if say or told is None else told.share,
        True, worst, expected[worst], measures[worst], weakest_of(done, leak) or "", leak or "", campaign.day - 1)
    if row != told:
        turn.rows.put(behind_row(turn.estate_id), row)
        turn.touched = True
    if say and campaign.phase is not None:
        turn.emit(CampaignBehind, Behind(
            turn.estate_id, campaign.campaign_id, campaign.stage, campaign.phase, row.day, worst, row.expected,
            row.actual, row.weakest or None, row.leak or None, section.source, done, dict(expected), dict(measures),
        ), campaign.campaign_id, str(campaign.phase_seq), subject=turn.estate_id)


def expectations(baseline: Baseline, base: float, day: int) -> dict[str, float]:
    """What is expected by the evening of a day, figure by figure, for so many members or households."""
    return {name: round(_at(curve, day) * base / 100, 4) for name, curve in baseline.curves().items()}


def _base(turn: Turn, per: str, measures: Mapping[str, float]) -> float:
    if per == "members":
        return measures["members"]
    estate = turn.world.reference.estates.get(turn.estate_id)
    return float(estate.households or 0) if estate is not None else 0.0


def _at(curve: Mapping[int, float], day: int) -> float:
    """The curve's figure on a day: straight between the days that it names."""
    points = [(0, 0.0), *sorted(curve.items())]
    for (first, low), (last, high) in pairwise(points):
        if day <= last:
            return low + (high - low) * (day - first) / (last - first)
    return points[-1][1]


def leak_of(expected: Mapping[str, float], measures: Mapping[str, float]) -> str | None:
    """The figure before which most was lost against the baseline; None where nothing is expected yet."""
    kept: dict[str, float] = {}
    before = 1.0
    for name, figure in expected.items():
        if not figure:
            continue
        share = measures[name] / figure
        kept[name] = share / before if before else 1.0
        before = share
    return min(kept, key=lambda name: kept[name], default=None)


def _shares_done(row: FormulaRow) -> dict[str, float]:
    return {
        part.value: round(done / asked, 2)
        for part, asked, done in zip(_PARTS, row.asked, row.done, strict=True) if asked
    }


def weakest_of(done: Mapping[str, float], leak: str | None) -> str | None:
    """The part of the formula of whose duties least was done; None where none was planned."""
    rests = RESTS_ON.get(leak or "", ())
    parts = [part for part in _PARTS if part.value in done]
    first = {part: at for at, part in enumerate((*rests, *(part for part in _PARTS if part not in rests)))}
    return min(parts, key=lambda part: (done[part.value], first[part]), default=None)


def shown(turn: Turn) -> dict[str, object] | None:
    """What the flow map says of a campaign that is behind now."""
    row: BehindRow | None = turn.rows.get(behind_row(turn.estate_id))
    campaign = turn.campaign
    if row is None or not row.now or campaign is None or campaign.campaign_id != row.campaign_id or not turn.running:
        return None
    return {
        "measure": row.measure, "expected": row.expected, "actual": row.actual, "day": row.day,
        "weakest": row.weakest or None, "leak": row.leak or None,
    }


def usual(turn: Turn) -> dict[str, float] | None:
    """What such groups usually have by this evening, figure by figure; None where no baseline says it."""
    campaign, section = turn.campaign, turn.play.playbook.baselines
    baseline = section.stage(campaign.stage) if campaign is not None and section is not None else None
    if campaign is None or section is None or baseline is None or not turn.running:
        return None
    members = sum(tally.members for _, tally in turn.tallies()) if section.per == "members" else 0
    return expectations(baseline, _base(turn, section.per, {"members": members}), campaign.day)
