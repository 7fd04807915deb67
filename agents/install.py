"""The five install checks of an order: fitter, guide, group photos, neighbours, owner; from order events to tasks.

One table says what comes next. A check that failed is put right and made again before the next one opens. Of each
check the latest word counts, whatever the order in which words come; what comes twice says nothing new. Photos for
the group and neighbours who come to look are asked for only with the buyer's recorded consent to that use.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from agents import books, errands
from agents.after_rows import Agreed, Check, Doing, InstallRow, install_row
from agents.called import addressed
from agents.errands import NOTHING, Wanted
from agents.handout import wants_nothing
from agents.state import MemberRow, OrderRow, member_row
from agents.turn import Turn
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.playbook_after import AfterOrder, CheckStep
from schemas.tasks import Evidence
from schemas.values import TaskStatus, Use


class Word(StrEnum):
    """What is heard of a check."""

    PASSED = "passed"
    FAILED = "failed"
    REPAIRED = "repaired"


class CheckState(StrEnum):
    """Where one check stands."""

    OPEN = "open"
    REPAIR = "repair"
    PASSED = "passed"


#: The only moves of a check. The diagram in docs/after-the-order.md is drawn from it.
MOVES: dict[CheckState, dict[Word, CheckState]] = {
    CheckState.OPEN: {Word.PASSED: CheckState.PASSED, Word.FAILED: CheckState.REPAIR},
    CheckState.REPAIR: {Word.REPAIRED: CheckState.OPEN, Word.PASSED: CheckState.PASSED},
    CheckState.PASSED: {Word.FAILED: CheckState.REPAIR},
}
_HEARD = frozenset({ev.OrderDelivered, ev.OrderCancelled, ev.OrderRefunded, ev.InstallChecked})
STEPS = (1, 2, 3, 4, 5)
TAKE_DOWN = "install-take-down"
#: It was shown, by a message that nobody saw.
UNSEEN = "-"


def diagram() -> str:
    """The table as a Mermaid state diagram: of each of the five checks, one after the other."""
    lines = ["stateDiagram-v2", "    [*] --> open: delivered, and the check before it passed"]
    for state, moves in MOVES.items():
        lines += [f"    {state} --> {after}: {word}" for word, after in moves.items()]
    return "\n".join([*lines, f"    {CheckState.PASSED} --> [*]"])


# --- events ---------------------------------------------------------------------------------------------


def heard(turn: Turn, event: Any) -> None:
    """Something happened to an order that was for a home here: go on with its checks."""
    if turn.play.playbook.after_order is None or type(event) not in _HEARD:
        return
    order_id = event.data.order_id
    # The estate that keeps its books is the one that it was for.
    if books.money_of(turn, order_id) is None:
        return
    row = row_of(turn, order_id) or InstallRow()
    if row.closed:
        return
    if type(event) is ev.InstallChecked:
        row = _checked(row, event)
    elif type(event) is ev.OrderDelivered and not row.delivered:
        row = replace(row, delivered=event.ref)
    _go_on(turn, order_id, row)


def consented(turn: Turn, event: ev.OrderConsented) -> None:
    """The buyer agreed to a use of what was built for them, or agrees no more: the latest word counts.

    Raises:
        BadEvent: when it is not the buyer who says so.
    """
    data = event.data
    order, row = books.order_of(turn, data.order_id), row_of(turn, data.order_id) or InstallRow()
    if turn.play.playbook.after_order is None or order is None or books.money_of(turn, data.order_id) is None:
        return
    if order.member_id != data.member_id:
        raise BadEvent(f"{data.member_id} is not the buyer of order {data.order_id}: only the buyer can agree to it")
    known = agreed_to(row, data.use)
    if known is not None and (known.at > event.time or (known.at, known.granted) == (event.time, data.granted)):
        return
    if known is not None and known.granted == data.granted:
        said = replace(known, at=event.time)
    else:
        said = Agreed(data.use, data.granted, event.time, event.ref)
    others = tuple(one for one in row.agreed if one.use != data.use)
    _go_on(turn, data.order_id, replace(row, agreed=tuple(sorted((*others, said), key=lambda one: one.use))))


def _checked(row: InstallRow, event: ev.InstallChecked) -> InstallRow:
    """The row with the latest word on a check."""
    data = event.data
    known = check_of(row, data.step)
    if known is not None and known.at > event.time:
        return row
    if known is not None and known.passed is data.passed and not _is_new_failure(row, known, event):
        said = replace(known, at=event.time)
    else:
        said = Check(data.step, event.time, data.passed, event.ref)
    checks = tuple(sorted((*(one for one in row.checks if one.step != data.step), said), key=lambda one: one.step))
    return replace(row, checks=checks)


def _is_new_failure(row: InstallRow, known: Check, event: ev.InstallChecked) -> bool:
    """Whether it failed once more after it was put right."""
    return not known.passed and row.repaired is not None and known.at <= row.repaired < event.time


# --- what comes next ------------------------------------------------------------------------------------


def follow(turn: Turn) -> None:
    """Tasks have changed, or time has passed: go on where a repair was done, and ask again for what nobody did."""
    for order_id in errands.opened(turn).orders:
        row = row_of(turn, order_id)
        if row is not None:
            _go_on(turn, order_id, row)


def _go_on(turn: Turn, order_id: str, row: InstallRow) -> None:
    """Settle what is being done, and ask for what comes next."""
    section, order = turn.play.playbook.after_order, books.order_of(turn, order_id)
    if section is None or order is None:
        return
    row = _noticed(turn, section, row)
    if not order.stands:
        errands.close(turn, row.doing, TaskStatus.WITHDRAWN, "the order was given back")
        row = replace(row, doing=NOTHING)
    elif order.delivered:
        row = _asked(turn, section, order_id, order, row)
    if row != (row_of(turn, order_id) or InstallRow()):
        turn.rows.put(install_row(turn.estate_id, order_id), row)
    running = order.delivered and order.stands and not row.closed
    errands.keep_open(turn, "orders", order_id, is_open=running or bool(row.doing.what and not row.doing.ended))
    errands.wake(turn, row.doing, section.tries)


def _noticed(turn: Turn, section: AfterOrder, row: InstallRow) -> InstallRow:
    """The row with what became of the task that is out."""
    doing = errands.seen(turn, row.doing)
    if doing == row.doing:
        return row
    if doing.what.endswith("-repair"):
        row = replace(row, repaired=turn.now)
    elif doing.what == TAKE_DOWN:
        row = replace(row, shown="")
    elif doing.what.endswith("-agreed") and section.checks[_step(doing) - 1].needs is Use.PHOTOS:
        found = errands.task_of(turn, doing)
        row = replace(row, shown=(found.verified_by if found is not None else None) or UNSEEN)
    return replace(row, doing=doing)


def _asked(turn: Turn, section: AfterOrder, order_id: str, order: OrderRow, row: InstallRow) -> InstallRow:
    """The row with what comes next asked for."""
    wanted = _wanted(turn, section, order_id, order, row)
    if row.doing.what and (wanted is None or (row.doing.what, row.doing.cause) != (wanted.id, wanted.because[0])):
        _settle(turn, row, wanted)
    if wanted is not None:
        return replace(row, doing=errands.pursue(turn, row.doing, wanted, section.tries))
    # All five have passed: nothing is kept but that, and what hangs in the group by the buyer's consent.
    if not order.installed:
        books.put_order(turn, order_id, order, replace(order, installed=True))
    return InstallRow(agreed=row.agreed if row.shown else (), shown=row.shown, closed=True)


def _settle(turn: Turn, row: InstallRow, wanted: Wanted | None) -> None:
    """The task that is out is answered by what was heard, or gives way to what comes next."""
    doing = row.doing
    if doing.what != TAKE_DOWN:
        step, state = _step(doing), state_of(row, _step(doing))
        if state is CheckState.PASSED or (state is CheckState.REPAIR and not doing.what.endswith("-repair")):
            known = check_of(row, step)
            heard_of = f": {known.ref}" if known is not None else ""
            errands.close(turn, doing, TaskStatus.VERIFIED, f"install check {step} was made{heard_of}")
            return
    same = wanted is not None and wanted.id.split("-")[:2] == doing.what.split("-")[:2]
    reason = "what the buyer agrees to has changed" if same or doing.what == TAKE_DOWN else "something else comes first"
    errands.close(turn, doing, TaskStatus.WITHDRAWN, reason)


def _step(doing: Doing) -> int:
    """Which check an errand belongs to."""
    return int(doing.what.split("-")[1])


def state_of(row: InstallRow, step: int) -> CheckState:
    """Where a check stands, by the latest word on it and what was repaired since."""
    known = check_of(row, step)
    if known is None:
        return CheckState.OPEN
    if known.passed:
        return CheckState.PASSED
    return CheckState.OPEN if row.repaired is not None and row.repaired >= known.at else CheckState.REPAIR


def next_step(row: InstallRow) -> int | None:
    """Which check is next: the first that failed, else the first that was not made; None where nothing is."""
    if row.closed:
        return None
    states = {step: state_of(row, step) for step in STEPS}
    for wanted in (CheckState.REPAIR, CheckState.OPEN):
        for step, state in states.items():
            if state is wanted:
                return step
    return None


def _wanted(turn: Turn, section: AfterOrder, order_id: str, order: OrderRow, row: InstallRow) -> Wanted | None:
    """What is to be done next: take down what may not be shown any more, put right, or check."""
    photos = agreed_to(row, Use.PHOTOS)
    if row.shown and photos is not None and not photos.granted:
        message_id = row.shown if row.shown != UNSEEN else None
        return Wanted(
            TAKE_DOWN, section.take_down, order.group_id, order_id, (photos.ref,),
            Evidence(order_id=order_id, message_id=message_id, consent=photos.ref))
    step = next_step(row)
    if step is None:
        return None
    check, known = section.checks[step - 1], check_of(row, step)
    if known is not None and state_of(row, step) is CheckState.REPAIR:
        return Wanted(
            f"{check.id}-repair", check.repair, order.group_id, order_id, (known.ref,), Evidence(order_id=order_id))
    before = check_of(row, step - 1)
    cause = known.ref if known is not None else before.ref if before is not None else row.delivered
    return _check(turn, check, order_id, order, row, cause or turn.event.ref)


def _check(turn: Turn, check: CheckStep, order_id: str, order: OrderRow, row: InstallRow, cause: str) -> Wanted:
    """A check: as it is, with what the buyer agreed to, or as a word to the buyer who may be written to."""
    said = agreed_to(row, check.needs) if check.needs is not None else None
    if check.agreed is not None and said is not None and said.granted:
        return Wanted(
            f"{check.id}-agreed", check.agreed, order.group_id, order_id, (cause, said.ref),
            Evidence(order_id=order_id, consent=said.ref))
    name = _buyer(turn, order) if check.to_owner is not None else None
    if check.to_owner is not None and name is not None:
        return Wanted(
            f"{check.id}-to-owner", check.to_owner, order.group_id, order_id, (cause,),
            Evidence(order_id=order_id, member_id=order.member_id), name)
    return Wanted(check.id, check, order.group_id, order_id, (cause,), Evidence(order_id=order_id))


def _buyer(turn: Turn, order: OrderRow) -> str | None:
    """How the buyer is called in their group; None for who is not there, or wants no messages from us."""
    if order.member_id is None or order.group_id is None or wants_nothing(turn, order.group_id, order.member_id):
        return None
    row: MemberRow | None = turn.rows.get(member_row(turn.estate_id, order.group_id, order.member_id))
    return addressed(row.name) if row is not None and row.present else None


# --- the rows -------------------------------------------------------------------------------------------


def row_of(turn: Turn, order_id: str) -> InstallRow | None:
    """How far the checks of an order are."""
    row: InstallRow | None = turn.rows.get(install_row(turn.estate_id, order_id))
    return row


def check_of(row: InstallRow, step: int) -> Check | None:
    """The last word on a check."""
    return next((check for check in row.checks if check.step == step), None)


def agreed_to(row: InstallRow, use: str) -> Agreed | None:
    """The buyer's last word on a use."""
    return next((one for one in row.agreed if one.use == use), None)


def recalled(turn: Turn, message_id: str) -> None:
    """A message was recalled: what it showed is not shown any more."""
    for order_id in errands.opened(turn).orders:
        row = row_of(turn, order_id)
        if row is not None and row.shown == message_id:
            _go_on(turn, order_id, replace(row, shown=""))


def moved(turn: Turn, before: str, after: str) -> None:
    """Somebody else does a task of ours now."""
    for order_id in errands.opened(turn).orders:
        row = row_of(turn, order_id)
        if row is not None and row.doing.task_id == before:
            turn.rows.put(
                install_row(turn.estate_id, order_id), replace(row, doing=replace(row.doing, task_id=after)))


def forget(turn: Turn, order_id: str) -> None:
    """The buyer must not be known any more: nothing is done about their home, and what they agreed to is gone."""
    row = row_of(turn, order_id)
    if row is None:
        return
    errands.close(turn, row.doing, TaskStatus.WITHDRAWN, "the buyer is not to be known any more")
    turn.rows.put(install_row(turn.estate_id, order_id), InstallRow(closed=True))
    errands.keep_open(turn, "orders", order_id, is_open=False)
