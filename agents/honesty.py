"""Honest by construction: nothing is handed out that would have a person pretend.

Three gates, one after the other, and no way around them: when a playbook is loaded (`agents.playbook_check`, by
`may_speak_as` and the same claims), when a script is rendered (`text_fault`), and when a task is handed out
(`refusal`, the last word). Each gives the reason in a sentence, or none. Source of the rules: Anti-Unfair
Competition Law art. 9, E-Commerce Law art. 17, 16 CFR 465; the trade's own manual on who may speak as whom.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from msgspec import Struct

from agents import borne_out
from agents.claims import claims
from agents.feigned import feigned
from agents.script_grammar import BadScript, outcomes
from agents.state import OrderRow
from agents.untrue import untrue, untruth
from schemas.playbook import Limits, ScriptText, Span
from schemas.reference import Persona
from schemas.tasks import Task
from schemas.values import SAID_ACTIONS, VISIBLE_ACTIONS, Action, PersonaClass, Role

#: Roles that only staff may have: whoever leads, advises or serves does so for the shop.
STAFF_ROLES = frozenset(set(Role) - {Role.SHILL})


def may_speak_as(role: Role, speaks_as: PersonaClass) -> bool:
    """Whether somebody in this role may speak as one of this class: whoever serves for the shop, as staff alone."""
    return role not in STAFF_ROLES or speaks_as is PersonaClass.STAFF


def script_fault(role: Role, script: ScriptText) -> str | None:
    """What is dishonest about a script, whoever may speak it."""
    if not may_speak_as(role, script.speaks_as):
        return f"a {role} is staff and cannot speak as {script.speaks_as}"
    if script.speaks_as is PersonaClass.BUYER and not script.testimonial:
        return "a buyer's script names no product"
    return text_fault(script.speaks_as, script.text)


def text_fault(speaks_as: PersonaClass, text: str, estate: str = "") -> str | None:
    """What is dishonest about a text that somebody of this class is to say; `estate` is the estate's name."""
    if (words := untrue(text, estate)) is not None:
        return untruth(words)
    if speaks_as is PersonaClass.BUYER:
        return None
    for claim in claims(text, estate):
        who = "an owner" if claim.kind == "owner" else "a buyer"
        return f"{speaks_as} would speak as {who}: “{claim.text}”"
    return None


@lru_cache(maxsize=4096)
def template_fault(text: str) -> str | None:
    """What is dishonest about a script's own words, whatever its values: a deed of a neighbour's that nobody did."""
    try:
        found = (untrue(outcome, template=True) for outcome in outcomes(text))
        words = next((words for words in found if words is not None), None)
    except BadScript as bad:
        return bad.what
    return untruth(words) if words is not None else None


#: What many a shop is called (我爱我家), and by which nobody passes for an owner.
_CALLED = re.compile(r"我们?的?家")


@lru_cache(maxsize=4096)
def signature_fault(shop: str) -> str | None:
    """What is dishonest about a shop's name: whose line bears it would pass for somebody else."""
    if (words := untrue(shop)) is not None:
        return untruth(words)
    found = next((claim for claim in claims(shop) if _CALLED.fullmatch(claim.text) is None), None)
    return f"it lets who speaks pass for somebody else: “{found.text}”" if found is not None else None


def disclosure_of(persona: Persona, store: str, title: str) -> str | None:
    """The line by which a persona says who they are, whatever they do; a buyer speaks for themselves."""
    if persona.cls is PersonaClass.BUYER:
        return None
    word = "合作方" if persona.cls is PersonaClass.PARTNER else title
    return f"——{store} {word} {persona.name}"


def shills_allowed(members: int, limits: Limits) -> int:
    """How many shills may be active in a group of so many members, our own people not counted."""
    return members * limits.shills_per_100 // 100


class Draft(Struct, frozen=True):
    """A task that is about to be handed out, with every fact that decides whether it may be.

    `words` are those that are judged (see `agents.texts`); `members`, `active_shills` and `posts_today` are the
    group's and the persona's on the day of the task. Of a reply in an exchange, `answered` is the post's task, and
    `exchanges_today` in how many others those two people take part that day.
    """

    task: Task
    words: str
    estate: str
    speaks_as: PersonaClass
    persona: Persona | None
    product: str | None
    order: OrderRow | None
    limits: Limits
    curfew: Span
    local_start: datetime
    local_end: datetime
    members: int
    active_shills: frozenset[str]
    posts_today: int
    group_open: bool
    target_opted_out: bool
    #: The shop's name, which stands in the line that says who speaks.
    store: str = ""
    #: The script's own words, before its values were filled in.
    templates: tuple[str, ...] = ()
    target_in_peace: bool = False
    answered: Task | None = None
    exchanges_today: int = 0


def refusal(draft: Draft) -> str | None:
    """Why the task must not be handed out; None when it may."""
    return (
        _who(draft) or _what(draft) or _rests_on(draft) or _answers(draft) or _how_many(draft) or _when_and_where(draft)
    )


def _who(draft: Draft) -> str | None:
    task, persona = draft.task, draft.persona
    if persona is None or task.persona_id != persona.persona_id:
        return "no registered person was named for it"
    if not task.group_id and (fault := _outside(task, persona)) is not None:
        return fault
    if task.group_id and task.group_id not in persona.groups:
        return f"{persona.persona_id} has no account in the group"
    if not may_speak_as(task.role, persona.cls):
        return f"{persona.persona_id} is {persona.cls}, a {task.role} must be staff"
    if draft.speaks_as is not persona.cls:
        return f"{persona.persona_id} is {persona.cls} and cannot speak as {draft.speaks_as}"
    return None


def _outside(task: Task, persona: Persona) -> str | None:
    """Outside of a group the shop's own people call, visit, check and invite, as such; nothing is said in a group."""
    if persona.cls is not PersonaClass.STAFF or task.role not in STAFF_ROLES:
        return "it belongs to no group, and is not for the shop's staff"
    return "it would be said in a group, and names none" if task.action in VISIBLE_ACTIONS else None


def _what(draft: Draft) -> str | None:
    task = draft.task
    for text in draft.templates:
        if (fault := template_fault(text)) is not None:
            return fault
    if draft.speaks_as is not PersonaClass.BUYER and not _discloses(task):
        return "it does not say who speaks"
    return signature_fault(draft.store) or text_fault(draft.speaks_as, draft.words, draft.estate)


def _discloses(task: Task) -> bool:
    """Whether the task says who speaks: also in the text itself, where others will read it."""
    if not task.disclosure:
        return False
    return task.action not in SAID_ACTIONS or task.script.text.rstrip().endswith(task.disclosure)


def _rests_on(draft: Draft) -> str | None:
    if draft.speaks_as is not PersonaClass.BUYER and draft.product is None:
        return None
    if draft.product is None:
        return "a buyer would speak, but of no product"
    order, persona = draft.order, draft.persona
    if order is None or persona is None or order.member_id != persona.member_id:
        return "no order of the speaker's own bears it out"
    if not order.testifies or draft.product not in order.products:
        return f"the speaker has no delivered, unrefunded order of {draft.product}"
    if draft.task.evidence is None or not draft.task.evidence.order_id:
        return "it does not name the order that it rests on"
    since = date.fromordinal(order.delivered_on) if order.delivered_on else None
    return borne_out.fault(
        draft.words, draft.estate, here=order.here, since=since, today=draft.local_start.date())


def _answers(draft: Draft) -> str | None:
    """A reply is part of an exchange: of a post of somebody else's, in the same group, without any play-acting."""
    task, post = draft.task, draft.answered
    if task.evidence is None or task.evidence.answers is None:
        return None
    if post is None or post.task_id != task.evidence.answers or post.group_id != task.group_id:
        return "the post that it answers was not handed out there"
    if post.persona_id == task.persona_id:
        return "nobody answers themselves"
    if (words := feigned(draft.words)) is not None:
        return f"an answer to a colleague would feign: “{words}”"
    if draft.exchanges_today >= draft.limits.exchanges_per_day:
        return f"its people take part in {draft.exchanges_today} exchanges that day"
    return None


def _how_many(draft: Draft) -> str | None:
    task = draft.task
    if task.role is Role.SHILL:
        active = draft.active_shills | {task.persona_id or ""}
        if len(active) > shills_allowed(draft.members, draft.limits):
            return f"{len(active)} shills to {draft.members} members are too many"
    if task.action is Action.POST and draft.posts_today >= draft.limits.posts_per_day:
        return f"{task.persona_id} has posted {draft.posts_today} times that day"
    return None


def _when_and_where(draft: Draft) -> str | None:
    if not draft.group_open:
        return "the group's owner closed it to us"
    if draft.target_opted_out:
        return "the member wants no messages from us"
    if draft.target_in_peace:
        return "the member declined, and is left in peace"
    if in_curfew(draft.curfew, draft.local_start, draft.local_end):
        return "it lies in the curfew"
    return None


def in_curfew(curfew: Span, start: datetime, end: datetime) -> bool:
    """Whether a window of local time touches the curfew; it may end just when the curfew starts."""
    if curfew.holds(start.time()) or end.date() > start.date():
        return True
    begins = datetime.combine(start.date(), curfew.start, tzinfo=start.tzinfo)
    return start < begins < end
