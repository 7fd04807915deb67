"""What is wrong with a playbook, beyond its form: scripts that cannot be filled, people who would pretend.

The format itself is checked by `schemas.playbook`. A `Finding` names the part by its path in the YAML, so
that whoever read the file can say the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import time
from typing import Literal

from agents import characters
from agents.balance import unbalanced
from agents.borne_out import lives_here, longest_said
from agents.claims import claims
from agents.fans import BESIDE
from agents.feigned import feigned
from agents.honesty import may_speak_as
from agents.knowledge import fault
from agents.ladder import EVIDENCE
from agents.manners import unkind
from agents.recurring import most_of_a_day
from agents.script_grammar import (
    ONLY_IN_DESIGN,
    ONLY_IN_INTRODUCTIONS,
    ONLY_IN_REACTIONS,
    OPTIONAL_NAMES,
    BadScript,
    is_known,
    names_with_lines,
    needed,
    offer_of,
    outcomes,
)
from agents.scripts import known_names
from agents.untrue import untrue, untruth
from schemas.playbook import Duty, PhasePlan, Playbook, ScriptText
from schemas.playbook_balance import PARTS_OF_PHASE
from schemas.playbook_knowledge import KnowledgeEntry
from schemas.playbook_people import INTRODUCES
from schemas.values import VISIBLE_ACTIONS, PersonaClass, Phase, Role, Rung

Loc = tuple[str | int, ...]
Severity = Literal["error", "warning"]

_FROM_LADDER_ONLY = frozenset({
    "reacted", "spoke", "order_placed", "deposit_paid", "order_paid", "delivered", "praised_after_buying", "referred",
    "referral_order", "parent",
})
#: What a reaction may answer: somebody joined, or a signal.
ANSWERABLE = frozenset({"joined", "home_unclear", "name_unclear", *EVIDENCE}) - _FROM_LADDER_ONLY

#: The house's own curfew, which a playbook's must hold: nobody is written to at night.
CURFEW = (time(23, 0), time(0, 0), time(3, 0), time(6, 59))

#: When people read (the trade's manual). A window that opens in one of these is filled every day; others,
#: for a quiz or a sale, are for the days that have one.
READING = (
    (time(7, 30), time(9, 0)), (time(11, 30), time(13, 0)), (time(17, 30), time(19, 0)), (time(22, 0), time(22, 30)),
)

#: The rung that a gate's measure counts.
_RUNG_OF_MEASURE = {"participants": "participant", "interested": "interested"}


#: What may be said where a text says what nobody can know, or asks for something untrue.
_TRUE_INSTEAD = "say what holds whatever happens (限20份, 满3户成团), and have everybody speak as who they are"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, at `loc` in the YAML; `within` is the line (1-based) of a longer text there."""

    loc: Loc
    severity: Severity
    what: str
    remedy: str
    within: int = 1


def check(playbook: Playbook, offers: Collection[str] = ()) -> list[Finding]:
    """Everything that is wrong with the playbook, errors first, each in the order of the file.

    `offers` are the names of the dealer's own offers, where they are known: a script may speak of them too.
    """
    found = [
        *_curfew(playbook), *_ladder(playbook), *_offers(playbook), *_gates(playbook), *_duties(playbook, offers),
        *_reactions(playbook, offers), *_sections(playbook, offers), *_days(playbook), *_balance(playbook),
        *_knowledge(playbook), *_warnings(playbook),
        *_character(playbook), *_entry(playbook),
    ]
    return sorted(found, key=lambda finding: finding.severity)


def _error(loc: Loc, what: str, remedy: str, within: int = 1) -> Finding:
    return Finding(loc, "error", what, remedy, within)


def _warning(loc: Loc, what: str, remedy: str) -> Finding:
    return Finding(loc, "warning", what, remedy)


# --- the whole ------------------------------------------------------------------------------------


def _curfew(playbook: Playbook) -> Iterator[Finding]:
    if not all(playbook.curfew.holds(at) for at in CURFEW):
        yield _error(("curfew",), "the curfew is shorter than 23:00-07:00", 'write "23:00-07:00" or longer')


def _ladder(playbook: Playbook) -> Iterator[Finding]:
    rungs = Counter(step.rung for step in playbook.ladder)
    for number, step in enumerate(playbook.ladder):
        if rungs[step.rung] > 1:
            yield _error(("ladder", number), f"the rung {step.rung} stands twice", "join the two steps")
        for place, name in enumerate(step.by):
            if name not in EVIDENCE:
                known = "known are " + ", ".join(EVIDENCE)
                yield _error(("ladder", number, "by", place), f"{name} is no evidence for a rung", known)


def _offers(playbook: Playbook) -> Iterator[Finding]:
    """An offer's words go into what staff say, so that they may claim no more than staff."""
    for name, offer in playbook.offers.items():
        for field in ("name", "terms", "price"):
            text = getattr(offer, field)
            if (words := untrue(text)) is not None:
                what = f"the offer {name} says what nobody can know: “{words}”"
                yield _error(("offers", name, field), what, _TRUE_INSTEAD)
            for claim in claims(text):
                yield _claimed(("offers", name, field), claim.kind, claim.text, text, f"the offer {name}")
        tiers = {*Rung, *(tier.tier for tier in playbook.fans.tiers)} if playbook.fans is not None else {*Rung}
        for tier in offer.tiers:
            if tier not in tiers:
                what = f"the offer {name} has a price for {tier}, which is neither a tier of fans nor a rung"
                yield _error(("offers", name, "tiers", tier), what, "known are " + ", ".join(sorted(tiers)))


def _character(playbook: Playbook) -> Iterator[Finding]:
    """The main persona is the shop's, whatever their character."""
    sheet = playbook.character
    if sheet is not None and (found := characters.fault(dict(sheet))) is not None:
        remedy = "give manners; who the persona is stands in the dealer's characters.yaml"
        yield _error(("character", found[0]), f"the character's {found[0]} presents {found[1]}", remedy)


def _entry(playbook: Playbook) -> Iterator[Finding]:
    """Before there is a group nobody can say how it is called."""
    section = playbook.entry
    for name, series in section.series().items() if section is not None else ():
        for number, way in enumerate(series.ways if name != "pool" else ()):
            for place, step in enumerate(way.steps):
                if "group.name" in {used for used, _ in names_with_lines(step.script.text)}:
                    loc = ("entry", name, "ways", number, "steps", place, "script", "text")
                    what = f"{step.id}: group.name is not known before there is a group"
                    yield _error(loc, what, "speak of the estate")


def _gates(playbook: Playbook) -> Iterator[Finding]:
    rungs = {str(step.rung) for step in playbook.ladder}
    for loc, phase in _phases(playbook):
        asked = phase.gate.asked()
        if not asked:
            yield _warning((*loc, "gate"), f"the gate of {phase.phase} asks for nothing", "say what the phase is for")
        for measure, rung in _RUNG_OF_MEASURE.items():
            if asked.get(measure) and rung not in rungs:
                what = f"the gate counts {measure}, but the ladder has no rung {rung}"
                yield _error((*loc, "gate", measure), what, f"add the rung {rung} to the ladder")


def _phases(playbook: Playbook) -> Iterator[tuple[Loc, PhasePlan]]:
    for number, stage in enumerate(playbook.stages):
        for place, phase in enumerate(stage.phases):
            yield ("stages", number, "phases", place), phase


# --- duties and reactions -------------------------------------------------------------------------


def _duties(playbook: Playbook, offers: Collection[str]) -> Iterator[Finding]:
    known = {*playbook.offers, *offers}
    for loc, duty in _duties_with_places(playbook):
        yield from _said((*loc, "script"), duty.id, duty.role, duty.script, known, in_reaction=False)
        yield from _replies(loc, duty, known)
        if duty.instead is None:
            continue
        if duty.instead.speaks_as is not PersonaClass.STAFF:
            what = f"what is done instead of {duty.id} is not said by staff"
            yield _error((*loc, "instead", "speaks_as"), what, "write speaks_as: staff")
        if duty.script.testimonial is None:
            what = f"{duty.id} has an instead, but its script is no testimonial and is never replaced"
            yield _warning((*loc, "instead"), what, "take it out")
        yield from _words((*loc, "instead"), duty.id, duty.instead, known, in_reaction=False)


def _replies(loc: Loc, duty: Duty, offers: Collection[str]) -> Iterator[Finding]:
    """Who answers a colleague says so honestly: as themselves, and without any play-acting."""
    for place, reply in enumerate(duty.replies):
        here: Loc = (*loc, "replies", place, "script")
        yield from _said(here, reply.id, reply.role, reply.script, offers, in_reaction=False)
        if (words := feigned(reply.script.text)) is not None:
            what = f"{reply.id} answers {duty.id} and feigns: “{words}”"
            yield _error((*here, "text"), what, "add something to the post, or ask the owners")


def _duties_with_places(playbook: Playbook) -> Iterator[tuple[Loc, Duty]]:
    for loc, phase in _phases(playbook):
        for day in sorted(phase.plan):
            for place, duty in enumerate(phase.plan[day]):
                yield (*loc, "plan", day, place), duty
        for place, duty in enumerate(phase.rescue):
            yield (*loc, "rescue", place), duty


def _reactions(playbook: Playbook, offers: Collection[str]) -> Iterator[Finding]:
    known = {*playbook.offers, *offers}
    for place, reaction in enumerate(playbook.reactions):
        loc: Loc = ("reactions", place)
        if reaction.on not in ANSWERABLE:
            remedy = "known are " + ", ".join(sorted(ANSWERABLE))
            yield _error((*loc, "on"), f"{reaction.id} answers {reaction.on}, which is no signal", remedy)
        yield from _said((*loc, "script"), reaction.id, reaction.role, reaction.script, known, in_reaction=True)


def _sections(playbook: Playbook, offers: Collection[str]) -> Iterator[Finding]:
    """The scripts of the sections that have their own: the same rules, whoever says them."""
    known = {*playbook.offers, *offers}
    fans = playbook.fans.points if playbook.fans is not None else ()
    for name in fans:
        if name not in {*EVIDENCE, *BESIDE}:
            remedy = "known are " + ", ".join((*EVIDENCE, *BESIDE))
            yield _error(("fans", "points", name), f"{name} is no evidence that is worth points", remedy)
    for said in playbook.said():
        if said.at is not None and playbook.curfew.holds(said.at):
            yield _error(said.loc[:1], f"{said.id} at {said.at:%H:%M} lies in the curfew", "say it by day")
        yield from _said(said.loc, said.id, said.role, said.script, known, in_reaction=said.to_member)


def _knowledge(playbook: Playbook) -> Iterator[Finding]:
    """An answer promises no price: it leads to the shop's own public word."""
    for number, entry in enumerate(playbook.knowledge.entries):
        yield from _answer(entry, ("knowledge", "entries", number))


def _warnings(playbook: Playbook) -> Iterator[Finding]:
    """A warning is private and polite: it shames and threatens nobody."""
    for number, rule in enumerate(playbook.order.rules):
        if (words := unkind(rule.warn.text)) is not None:
            what = f"{rule.id}: a warning shames or threatens: “{words}”"
            yield _error(("order", "rules", number, "warn", "text"), what, "ask kindly, and say why the rule is there")


def _answer(entry: KnowledgeEntry, loc: Loc) -> Iterator[Finding]:
    if wrong := fault(entry.about, entry.text):
        what = f"{entry.id}: {wrong}"
        yield _error((*loc, "text"), what, "refer to the shop's notice (以门店公示为准) or to {{ offer.… }}")


def check_answer(entry: KnowledgeEntry, offers: Collection[str]) -> list[Finding]:
    """What is wrong with a dealer's own answer, at places within it; `offers` are those that it may speak of."""
    said = _said((), entry.id, entry.role, entry.script, offers, in_reaction=True)
    return [*said, *_answer(entry, ())]


def _said(
    loc: Loc, id: str, role: Role, script: ScriptText, offers: Collection[str], *, in_reaction: bool
) -> Iterator[Finding]:
    if not may_speak_as(role, script.speaks_as):
        what = f"{id}: a {role} is staff and cannot speak as a {script.speaks_as}"
        yield _error((*loc, "speaks_as"), what, "write speaks_as: staff, or give it to a shill")
    yield from _words(loc, id, script, offers, in_reaction=in_reaction)


def _words(
    loc: Loc, id: str, script: ScriptText, offers: Collection[str], *, in_reaction: bool
) -> Iterator[Finding]:
    texts: list[tuple[Loc, str]] = [((*loc, "text"), script.text)]
    texts += [((*loc, "attachments", place), words) for place, words in enumerate(script.attachments)]
    for place, text in texts:
        try:
            yield from _names(place, id, text, offers, in_reaction=in_reaction)
            yield from _honest(place, id, script.speaks_as, text)
            if script.speaks_as is PersonaClass.BUYER:
                yield from _of_few_buyers(place, id, text)
        except BadScript as bad:
            yield _error(place, f"{id}: {bad.what}", bad.remedy, bad.line or 1)


def _names(loc: Loc, id: str, text: str, offers: Collection[str], *, in_reaction: bool) -> Iterator[Finding]:
    optional = needed(text) & OPTIONAL_NAMES
    for name, line in names_with_lines(text):
        offer = offer_of(name)
        if name in optional:
            what = f"{id}: {name} may be empty, and the script shows it all the same"
            yield _error(loc, what, f"ask for it first: {{% if {name} %}}", line)
        if not is_known(name):
            yield _error(loc, f"{id}: {name} is not a name that a script may use", known_names(), line)
        elif name in ONLY_IN_REACTIONS and not in_reaction:
            what = f"{id}: {name} is only known in a reaction"
            yield _error(loc, what, "speak to the group, or make it a reaction", line)
        elif name in ONLY_IN_INTRODUCTIONS and id != INTRODUCES:
            yield _error(loc, f"{id}: {name} is only known in introductions:", "speak of one member alone", line)
        elif name in ONLY_IN_DESIGN and loc[0] != "design":
            yield _error(loc, f"{id}: {name} is only known in design:", "speak of no plan here", line)
        elif offer is not None and offer[0] not in offers:
            have = ", ".join(sorted(offers)) or "none"
            what = f"{id}: there is no offer {offer[0]}"
            yield _error(loc, what, f"add it to offers: of the playbook or to offers.yaml (there are: {have})", line)


def _honest(loc: Loc, id: str, speaker: PersonaClass, text: str) -> Iterator[Finding]:
    """Whatever the script can become: nobody is given an untruth, and only a buyer speaks as an owner or a buyer."""
    for outcome in outcomes(text):
        if (words := untrue(outcome, template=True)) is not None:
            yield _error(loc, f"{id}: {untruth(words)}", _TRUE_INSTEAD, _line_of(words, text))
            return
        for claim in claims(outcome) if speaker is not PersonaClass.BUYER else ():
            yield _claimed(loc, claim.kind, claim.text, text, f"{id}: a {speaker}")
            return


def _of_few_buyers(loc: Loc, id: str, text: str) -> Iterator[Finding]:
    """What few buyers can say: they live here, or have had it for long. The others are not given it."""
    for outcome in outcomes(text):
        if (words := lives_here(outcome)) is not None:
            what = f"{id}: “{words}” is only for a buyer with an order delivered to a home in the estate"
            yield _warning(loc, what, "leave out where they live: 我在{{ store.name }}做的")
            return
        if (words := longest_said(outcome)) is not None:
            what = f"{id}: “{words}” is only for a buyer whose order was delivered so long ago"
            yield _warning(loc, what, "leave out for how long: the buyer says it in their own words")
            return


def _claimed(loc: Loc, kind: str, words: str, text: str, who: str) -> Finding:
    what = f"{who} speaks as {'an owner' if kind == 'owner' else 'a buyer'}: “{words}”"
    remedy = "say who is speaking, or ask a real buyer (speaks_as: buyer with a testimonial)"
    return _error(loc, what, remedy, _line_of(words, text))


def _line_of(words: str, text: str) -> int:
    """The line of the text (1-based) that holds the words; the first where none does."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if words in line), 1)


# --- the days -------------------------------------------------------------------------------------


def _days(playbook: Playbook) -> Iterator[Finding]:
    for loc, phase in _phases(playbook):
        for day in sorted(phase.plan):
            duties, place = phase.plan[day], (*loc, "plan", day)
            yield from _windows(playbook, phase.phase, day, duties, place)
            yield from _formula(phase.phase, day, duties, place)
            yield from _staffing(playbook, phase.phase, day, duties, place)


def _windows(playbook: Playbook, phase: Phase, day: int, duties: tuple[Duty, ...], loc: Loc) -> Iterator[Finding]:
    for name, span in playbook.windows.items():
        daily = any(start <= span.start < end for start, end in READING)
        if daily and not any(span.holds(duty.at) for duty in duties):
            yield _warning(loc, f"day {day} of {phase} has nothing in the window {name}", "give it a duty")


def _formula(phase: Phase, day: int, duties: tuple[Duty, ...], loc: Loc) -> Iterator[Finding]:
    leading = PARTS_OF_PHASE[phase]
    if not any(set(leading) & set(duty.script.formula) for duty in duties):
        parts = ", ".join(sorted(leading))
        yield _warning(loc, f"no script on day {day} of {phase} serves {parts}", "a day serves what its phase is for")


def _staffing(playbook: Playbook, phase: Phase, day: int, duties: tuple[Duty, ...], loc: Loc) -> Iterator[Finding]:
    limits = playbook.limits
    posts = Counter(duty.role for duty in duties if duty.action in VISIBLE_ACTIONS)
    posts += most_of_a_day(playbook.recurring, phase)
    for role, count in posts.items():
        people = limits.shills_per_100 if role is Role.SHILL else 1
        if count > people * limits.posts_per_day:
            what = f"day {day} of {phase} asks {count} posts of the {role}, more than {people * limits.posts_per_day}"
            yield _warning(loc, what, "share them out, or raise limits: posts_per_day")


def _balance(playbook: Playbook) -> Iterator[Finding]:
    for loc, what, remedy in unbalanced(playbook):
        yield _warning(loc, what, remedy)
