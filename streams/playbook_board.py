"""A playbook as a board: the days of a stage, the windows of a day, and a card for everything that is said in them.

Plain data for a page. What comes again and again or answers an event has no day, and stands in sections beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any

from agents.balance import DayTally, Imbalance, imbalances, tallies
from agents.playbook_diff import differences
from schemas.playbook import Duty, PhasePlan, Playbook, StagePlan
from schemas.playbook_dialogues import in_order
from schemas.playbook_parts import Said
from schemas.playbook_recurring import Recurring
from schemas.reference import Offer
from schemas.values import Action
from streams.playbook_preview import preview


def title_line(playbook: Playbook) -> dict[str, Any]:
    """A playbook in a line: its name, version, whose it is, and how long its stages are."""
    return {
        "name": playbook.playbook, "version": playbook.edition, "title": playbook.title, "category": playbook.category,
        "for": {"estate": playbook.for_.estate, "group": playbook.for_.group},
        "derived": None if playbook.derived is None else playbook.derived.model_dump(),
        "stages": [
            {"stage": stage.stage, "days": sum(phase.days for phase in stage.phases)} for stage in playbook.stages],
    }


# --- the board --------------------------------------------------------------------------------------


def board(playbook: Playbook, stage: StagePlan, offers: Mapping[str, Offer]) -> dict[str, Any]:
    """A stage as columns (days, by phase), rows (windows) and cards; `sections` are the playbook's other scripts."""
    windows = sorted(playbook.windows.items(), key=lambda item: item[1].start)
    cards, rescue, columns, first = list[Any](), list[Any](), list[Any](), 1
    for phase in stage.phases:
        for day in range(1, phase.days + 1):
            columns.append({"day": first + day - 1, "phase": phase.phase, "phase_day": day})
            cards += [_card(playbook, duty, offers, first + day - 1, phase) for duty in _by_time(phase.plan[day])]
        rescue += [_card(playbook, duty, offers, first, phase, rescue=True) for duty in _by_time(phase.rescue)]
        first += phase.days
    return {
        **title_line(playbook), "stage": stage.stage,
        "phases": list(_phases(stage)),
        "windows": [{"window": name, "start": f"{span.start:%H:%M}", "end": f"{span.end:%H:%M}"}
                    for name, span in windows],
        "columns": columns, "cards": cards, "rescue": rescue,
        "sections": list(_sections(playbook, stage, offers)),
        "counts": {"days": len(columns), "cards": len(cards), "rescue": len(rescue),
                   "replies": sum(len(card["replies"]) for card in (*cards, *rescue))},
    }


def _phases(stage: StagePlan) -> Iterator[dict[str, Any]]:
    first = 1
    for phase in stage.phases:
        yield {"phase": phase.phase, "first": first, "days": phase.days, "longest": phase.longest, "aim": phase.aim,
               "scene": phase.scene,
               "gate": phase.gate.asked()}
        first += phase.days


def _by_time(duties: tuple[Duty, ...]) -> list[Duty]:
    return sorted(duties, key=lambda duty: duty.at)


def _card(
    playbook: Playbook, duty: Duty, offers: Mapping[str, Offer], day: int, phase: PhasePlan, *, rescue: bool = False,
) -> dict[str, Any]:
    replies = in_order(duty.replies)
    return {
        "id": duty.id, "day": None if rescue else day, "phase": phase.phase, "window": window_of(playbook, duty.at),
        "at": f"{duty.at:%H:%M}", "minutes": duty.minutes, "role": duty.role, "action": duty.action,
        "priority": duty.priority, "weekdays": duty.weekdays,
        "said": preview(playbook, duty.script, duty.role, duty.action, day, offers, scene=phase.scene),
        "instead": None if duty.instead is None else preview(
            playbook, duty.instead, duty.role, duty.action, day, offers, scene=phase.scene),
        "replies": [
            {"id": reply.id, "after": reply.after, "minutes": reply.minutes, "role": reply.role,
             "said": preview(playbook, reply.script, reply.role, Action.REPLY, day, offers, turn, scene=phase.scene)}
            for turn, reply in enumerate(replies, 1)],
    }


def window_of(playbook: Playbook, at: time | None) -> str | None:
    """The window of the day that holds a time."""
    if at is None:
        return None
    return next((name for name, span in playbook.windows.items() if span.holds(at)), None)


def _sections(playbook: Playbook, stage: StagePlan, offers: Mapping[str, Offer]) -> Iterator[dict[str, Any]]:
    """What has no day: reactions, what comes again, and the scripts of every other section, by the section's name."""
    reactions = [
        {"id": one.id, "on": one.on, "at": None, "role": one.role, "action": one.action, "minutes": one.minutes,
         "said": preview(playbook, one.script, one.role, one.action, 1, offers)} for one in playbook.reactions]
    if reactions:
        yield {"section": "reactions", "cards": reactions}
    recurring = [card for one in playbook.recurring if not one.stages or stage.stage in one.stages
                 for card in _recurring(playbook, one, offers)]
    if recurring:
        yield {"section": "recurring", "cards": recurring}
    others: dict[str, list[dict[str, Any]]] = {}
    for said in playbook.said():
        if said.loc[0] != "recurring":
            others.setdefault(str(said.loc[0]), []).append(_said(playbook, said, offers))
    for section, cards in others.items():
        yield {"section": section, "cards": cards}


def _recurring(playbook: Playbook, one: Recurring, offers: Mapping[str, Offer]) -> Iterator[dict[str, Any]]:
    when = {"kind": one.kind, "weekdays": one.weekdays, "days_of_month": one.days_of_month, "phases": one.phases}
    for part in one.said():
        yield {**_said(playbook, part, offers), "at": f"{one.at:%H:%M}", "minutes": one.minutes, **when}


def _said(playbook: Playbook, said: Said, offers: Mapping[str, Offer]) -> dict[str, Any]:
    return {
        "id": said.id, "at": None if said.at is None else f"{said.at:%H:%M}", "role": said.role, "action": said.action,
        "to_member": said.to_member,
        "said": preview(playbook, said.script, said.role, said.action, 1, offers),
    }


# --- balance and difference -------------------------------------------------------------------------


def balance(playbook: Playbook) -> dict[str, Any]:
    """What each day serves of the formula, the drives and the scenes, and what is out of balance."""
    return {
        **title_line(playbook),
        "every_day": playbook.balance.every_day,
        "days": [_tally(day) for day in tallies(playbook)],
        "warnings": [_imbalance(found) for found in imbalances(playbook)],
    }


def _tally(day: DayTally) -> dict[str, Any]:
    return {"stage": day.stage, "day": day.day, "phase": day.phase, "phase_day": day.phase_day,
            "formula": dict(day.formula), "drives": dict(day.drives), "scenes": dict(day.scenes)}


def _imbalance(found: Imbalance) -> dict[str, Any]:
    return {"kind": found.kind, "stage": found.stage, "phase": found.phase, "day": found.day, "parts": found.parts,
            "least": found.least, "what": found.what, "remedy": found.remedy}


def difference(before: Playbook, after: Playbook) -> dict[str, Any]:
    """What is other in `after`, thing by thing: `sign` is `~`, `-` or `+`; what has no id of its own comes first."""
    items: list[dict[str, Any]] = []
    for line in differences(before, after):
        sign, _, rest = line.partition(" ")
        if sign in ("~", "-", "+"):
            id, _, place = rest.partition(" (")
            items.append({"sign": sign, "id": id, "place": place.removesuffix(")"), "lines": []})
            continue
        if not items:
            items.append({"sign": "~", "id": None, "place": "", "lines": []})
        items[-1]["lines"].append(_line(line))
    return {"from": title_line(before), "to": title_line(after), "items": items}


def _line(line: str) -> dict[str, str]:
    words = line.strip()
    sign = words[:1] if words[:2] in ("+ ", "- ") else ""
    return {"sign": sign, "text": words[2:] if sign else words}
