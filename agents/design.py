"""Plans before the neighbours' eyes: shown only with the owner's recorded consent, and what is said of them collected.

A general plan belongs to nobody and is shown as it comes. A personal one is first a question to its owner; the task
that shows it exists only after that owner's own consent, and names it. What members say of a plan while it is looked
at becomes one task for the designer. Consent that is taken back takes the task with it, or the post out of the group.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from msgspec.structs import replace

from agents import errands
from agents.after_rows import (
    DESIGN,
    Comment,
    DesignRow,
    Doing,
    Review,
    ReviewsRow,
    design_row,
    reviews_row,
)
from agents.called import addressed
from agents.errands import NOTHING, Wanted
from agents.rows import CAMPAIGN
from agents.state import MemberRow, member_row, task_row
from agents.turn import Turn
from maps.names import without_home
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.events import MessageData
from schemas.playbook_after import Design, DesignErrand
from schemas.tasks import Evidence
from schemas.values import TaskStatus

#: What says something of a plan that a group is looking at, without an answer to it or a mention.
_ABOUT_IT = frozenset({"asks_design", "praises", "complains"})
#: It is shown, by a message that nobody saw.
UNSEEN = "-"


# --- events ---------------------------------------------------------------------------------------------


def drafted(turn: Turn, event: ev.DesignDrafted) -> None:
    """A plan was drawn. Drawn anew, it is another one: what was agreed to is not agreed to any more."""
    data, known = event.data, row_of(turn, event.data.design_id)
    section = turn.play.playbook.design
    if section is None or turn.place.blocked:
        return
    row = DesignRow(
        data.kind, data.group_id or "", event.ref, without_home(data.title).strip() or data.title,
        data.unit_type or "", data.link or "", data.member_id, data.order_id, quiet=turn.place.no_messages)
    if known is not None and _drawn(known) == _drawn(row):
        return
    if known is not None:
        _leave(turn, data.design_id, known, "the plan was drawn anew")
    _go_on(turn, data.design_id, row)


def _drawn(row: DesignRow) -> tuple[object, ...]:
    return row.kind, row.group_id, row.title, row.unit_type, row.link, row.owner, row.order_id


def consented(turn: Turn, event: ev.DesignConsented) -> None:
    """The owner agrees that the neighbours see their plan, or agrees no more: their latest word counts.

    Raises:
        BadEvent: when it is a general plan, or not its owner who says so.
    """
    data, row = event.data, row_of(turn, event.data.design_id)
    if row is None:
        return
    if row.owner != data.member_id:
        raise BadEvent(
            f"{data.member_id} is not the owner of the plan {data.design_id}: only the owner can agree to it")
    if row.consent_at is not None and (row.consent_at > event.time or row.granted is data.granted):
        return
    if row.doing.what == "design-ask":
        errands.close(turn, row.doing, TaskStatus.VERIFIED, f"the owner answered: {event.ref}")
    agrees = "agrees again" if data.granted else "does not agree any more"
    errands.close(turn, row.doing, TaskStatus.WITHDRAWN, f"the owner {agrees}: {event.ref}")
    row = replace(
        row, granted=data.granted, consent=event.ref, consent_at=event.time, doing=NOTHING, closed=False)
    if not data.granted:
        _look_no_more(turn, data.design_id, row)
        row = replace(row, until=None, comments=())
    _go_on(turn, data.design_id, row)


def hush(turn: Turn, member_id: str, *, quiet: bool) -> None:
    """A member wants no messages from us, or some again: their plan waits so long."""
    for design_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, DESIGN)):
        if row.owner == member_id and row.quiet is not quiet:
            _go_on(turn, design_id, replace(row, quiet=quiet))


def heard(turn: Turn, data: MessageData, names: Collection[str]) -> None:
    """A member said something: while their group looks at a plan it may be about it."""
    reviews: ReviewsRow | None = turn.rows.get(reviews_row(turn.estate_id, data.group_id))
    section = turn.play.playbook.design
    if reviews is None or section is None or turn.place.blocked:
        return
    for review in reversed(reviews.reviews):
        if turn.now >= review.until or not _is_about(data, names, review):
            continue
        row = row_of(turn, review.design_id)
        if row is not None and len(row.comments) < section.most:
            said = Comment(data.message_id, turn.event.ref, data.member_id)
            _keep(turn, review.design_id, replace(row, comments=(*row.comments, said)))
        return


def _is_about(data: MessageData, names: Collection[str], review: Review) -> bool:
    if data.reply_to is not None and data.reply_to == review.message_id:
        return True
    return review.poster in (data.mentions or ()) or not _ABOUT_IT.isdisjoint(names)


def recalled(turn: Turn, message_id: str) -> None:
    """A message was recalled: a comment falls, and a plan whose message it was is not shown any more."""
    for design_id in errands.opened(turn).designs:
        row = row_of(turn, design_id)
        if row is None:
            continue
        if row.shown == message_id:
            _look_no_more(turn, design_id, row)
            errands.close(turn, row.doing, TaskStatus.WITHDRAWN, "the plan is not in the group any more")
            _keep(turn, design_id, replace(row, shown="", until=None, comments=(), closed=True))
        elif any(said.message_id == message_id for said in row.comments):
            _without(turn, design_id, row, [said for said in row.comments if said.message_id == message_id])


# --- what comes next ------------------------------------------------------------------------------------


def follow(turn: Turn) -> None:
    """Tasks have changed, or time has passed: what is out is looked at, a review that is over is collected."""
    for design_id in errands.opened(turn).designs:
        row = row_of(turn, design_id)
        if row is not None:
            _go_on(turn, design_id, row)


def _go_on(turn: Turn, design_id: str, row: DesignRow) -> None:
    section = turn.play.playbook.design
    if section is None:
        return
    row = _noticed(turn, section, design_id, row)
    if row.until is not None and turn.now >= row.until:
        _look_no_more(turn, design_id, row)
    wanted = _wanted(turn, section, design_id, row)
    if wanted is not None:
        row = replace(row, doing=errands.pursue(turn, row.doing, wanted, section.tries))
        errands.wake(turn, row.doing, section.tries)
    elif row.shown and row.until is not None and turn.now < row.until:
        turn.wake(row.until)
    elif row.shown or row.granted is False:
        row = replace(row, closed=True, comments=(), until=None)
    _keep(turn, design_id, row)


def _noticed(turn: Turn, section: Design, design_id: str, row: DesignRow) -> DesignRow:
    """The row with what became of the task that is out."""
    doing = errands.seen(turn, row.doing)
    found, done = errands.task_of(turn, doing), errands.is_done(doing) and not errands.is_done(row.doing)
    if doing.what in ("design-post", "design-general") and done:
        shown = (found.verified_by if found is not None else None) or UNSEEN
        row = replace(row, shown=shown, until=turn.now + timedelta(hours=section.review_hours))
        _look(turn, design_id, row, doing)
    elif row.shown == UNSEEN and found is not None and found.verified_by:
        # Marked first, seen in the group afterwards.
        row = replace(row, shown=found.verified_by)
        _look(turn, design_id, row, doing)
    elif done and doing.what == "design-comments":
        row = replace(row, comments=(), until=None)
    elif done and doing.what == "design-take-down":
        row = replace(row, shown="")
    return replace(row, doing=doing) if doing != row.doing else row


def _wanted(turn: Turn, section: Design, design_id: str, row: DesignRow) -> Wanted | None:
    """What is to be done next about a plan."""
    if row.granted is False:
        return _of(section, design_id, row, "take_down", (row.consent,)) if row.shown else None
    if row.shown:
        over = row.until is not None and turn.now >= row.until
        refs = (row.drafted, *(said.ref for said in row.comments))
        return _of(section, design_id, row, "comments", refs) if over and row.comments else None
    return _to_show(turn, section, design_id, row) if not (row.closed or row.quiet) else None


def _to_show(turn: Turn, section: Design, design_id: str, row: DesignRow) -> Wanted:
    """What shows a plan, or asks its owner whether it may be shown."""
    if row.kind == "general":
        return _of(section, design_id, row, "general", (row.drafted,))
    if row.granted is None:
        return _of(section, design_id, row, "ask", (row.drafted,), _called(turn, row))
    # By the owner's own consent alone: there is no other way to this task.
    return _of(section, design_id, row, "post", (row.consent, row.drafted))


def _of(
    section: Design, design_id: str, row: DesignRow, errand: DesignErrand, because: tuple[str, ...], name: str = ""
) -> Wanted:
    taken_down = errand == "take_down"
    evidence = Evidence(
        order_id=row.order_id if not taken_down else None,
        # Whoever took consent back is no party to the taking down: it is about the message alone.
        member_id=row.owner if not taken_down else None,
        message_id=row.shown if row.shown not in ("", UNSEEN) else None,
        consent=row.consent or None,
        message_ids=tuple(said.message_id for said in row.comments) if errand == "comments" else (),
    )
    values = {"design": {"title": row.title, "unit_type": row.unit_type, "link": row.link}}
    return Wanted(
        f"design-{errand.replace('_', '-')}", getattr(section, errand), row.group_id, design_id, because, evidence,
        name, values)


def _called(turn: Turn, row: DesignRow) -> str:
    member: MemberRow | None = turn.rows.get(member_row(turn.estate_id, row.group_id, row.owner or ""))
    return addressed(member.name if member is not None else "")


# --- what a group is looking at -------------------------------------------------------------------------


def _look(turn: Turn, design_id: str, row: DesignRow, doing: Doing) -> None:
    """A plan is out: its group is looking at it."""
    found = errands.task_of(turn, doing)
    if found is None or row.until is None:
        return
    poster = turn.world.reference.personas.get(found.task.persona_id or "")
    review = Review(design_id, row.shown, poster.member_id if poster is not None else "", row.until)
    _keep_reviews(turn, found.task.group_id, design_id, review)
    turn.wake(row.until)


def _look_no_more(turn: Turn, design_id: str, row: DesignRow) -> None:
    for group_id in {row.group_id, *(group.group_id for group in turn.worked_groups())}:
        _keep_reviews(turn, group_id, design_id, None)


def _keep_reviews(turn: Turn, group_id: str, design_id: str, review: Review | None) -> None:
    address = reviews_row(turn.estate_id, group_id)
    before: ReviewsRow | None = turn.rows.get(address)
    known = before.reviews if before is not None else ()
    kept = tuple(one for one in known if one.design_id != design_id) + ((review,) if review is not None else ())
    if kept:
        turn.rows.put(address, ReviewsRow(kept))
    elif before is not None:
        turn.rows.drop(address)


# --- the rows -------------------------------------------------------------------------------------------


def row_of(turn: Turn, design_id: str) -> DesignRow | None:
    """A plan."""
    row: DesignRow | None = turn.rows.get(design_row(turn.estate_id, design_id))
    return row


def _keep(turn: Turn, design_id: str, row: DesignRow) -> None:
    if row != row_of(turn, design_id):
        turn.rows.put(design_row(turn.estate_id, design_id), row)
    errands.keep_open(turn, "designs", design_id, is_open=not row.closed)


def _leave(turn: Turn, design_id: str, row: DesignRow, reason: str) -> None:
    """Nothing of it is to be done any more."""
    errands.close(turn, row.doing, TaskStatus.WITHDRAWN, reason)
    _look_no_more(turn, design_id, row)


def _without(turn: Turn, design_id: str, row: DesignRow, gone: Collection[Comment]) -> None:
    """The plan without some of what was said of it; a task that was about nothing else is withdrawn."""
    kept = tuple(said for said in row.comments if said not in gone)
    ids = {said.message_id for said in gone}
    found = errands.task_of(turn, row.doing)
    if found is not None and row.doing.what == "design-comments" and found.task.evidence is not None:
        evidence = found.task.evidence
        left = tuple(message_id for message_id in evidence.message_ids if message_id not in ids)
        task = replace(found.task, evidence=replace(evidence, message_ids=left))
        turn.rows.put(task_row(turn.estate_id, task.task_id), replace(found, task=task))
        if not left:
            errands.close(turn, row.doing, TaskStatus.WITHDRAWN, "nothing that was said of it is left")
    _keep(turn, design_id, replace(row, comments=kept))


def moved(turn: Turn, before: str, after: str) -> None:
    """Somebody else does a task of ours now."""
    for design_id in errands.opened(turn).designs:
        row = row_of(turn, design_id)
        if row is not None and row.doing.task_id == before:
            _keep(turn, design_id, replace(row, doing=replace(row.doing, task_id=after)))


def forget(turn: Turn, member_id: str) -> None:
    """A member must not be known any more: their plans go, what hangs in the group is taken down, unnamed."""
    section = turn.play.playbook.design
    for design_id, row in list(turn.rows.scan(CAMPAIGN, turn.estate_id, DESIGN)):
        if row.owner == member_id:
            _leave(turn, design_id, row, "the owner is not to be known any more")
            gone = DesignRow(
                row.kind, row.group_id, "", granted=False, consent=turn.event.ref, shown=row.shown,
                closed=not row.shown)
            if row.shown and section is not None:
                _go_on(turn, design_id, gone)
            else:
                _keep(turn, design_id, gone)
        elif any(said.member_id == member_id for said in row.comments):
            _without(turn, design_id, row, [said for said in row.comments if said.member_id == member_id])
