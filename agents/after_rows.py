"""What is remembered of plans and of what follows an order: small rows, each of one plan, one order or one group."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from agents.rows import CAMPAIGN, PLACEMENT, Address


class Doing(Struct, frozen=True, array_like=True):
    """The errand that is being run: which one, its task, how often it was asked for, from which ISO date on again.

    `cause` is the event that called for it; `ended` says that its task was done, or seen to be.
    """

    what: str = ""
    task_id: str = ""
    tries: int = 0
    again: str = ""
    cause: str = ""
    ended: str = ""


class Comment(Struct, frozen=True, array_like=True, gc=False):
    """What a member said of a plan: the message, its event, and who, so that it can be forgotten."""

    message_id: str
    ref: str
    member_id: str


class DesignRow(Struct, frozen=True, array_like=True):
    """A plan. `granted` is what its owner said of showing it, None before they said anything (by `consent`).

    `shown` is the message that shows it in the group (`-` where that was not seen), `until` when its review ends.
    """

    kind: str
    group_id: str
    drafted: str
    title: str = ""
    unit_type: str = ""
    link: str = ""
    owner: str | None = None
    order_id: str | None = None
    granted: bool | None = None
    consent: str = ""
    consent_at: datetime | None = None
    doing: Doing = Doing()
    shown: str = ""
    until: datetime | None = None
    comments: tuple[Comment, ...] = ()
    #: Reviewed, declined or taken down: nothing more is to be done about it.
    closed: bool = False
    #: The owner wants no messages from us: they are not asked, and it is not shown.
    quiet: bool = False


class Review(Struct, frozen=True, array_like=True):
    """A plan that a group is looking at: the message that shows it, whose it is, until when."""

    design_id: str
    message_id: str
    poster: str
    until: datetime


class ReviewsRow(Struct, frozen=True, array_like=True):
    """The plans that a group is looking at, in the order in which they were shown."""

    reviews: tuple[Review, ...] = ()


class Check(Struct, frozen=True, array_like=True):
    """The last word on one of the five checks: when, by which event, and whether it passed."""

    step: int
    at: datetime
    passed: bool
    ref: str


class Agreed(Struct, frozen=True, array_like=True):
    """What the buyer said last of one use of what was built for them."""

    use: str
    granted: bool
    at: datetime
    ref: str


class InstallRow(Struct, frozen=True, array_like=True):
    """How far the checks of an order are. `repaired` is when the last repair was done, `shown` as in `DesignRow`.

    `closed`: all five passed, or nobody may be known any more; nothing of the order is checked again.
    """

    checks: tuple[Check, ...] = ()
    agreed: tuple[Agreed, ...] = ()
    doing: Doing = Doing()
    delivered: str = ""
    repaired: datetime | None = None
    shown: str = ""
    closed: bool = False


class AfterRow(Struct, frozen=True, array_like=True):
    """Of which orders and plans something is still to be done: what is looked at as time passes."""

    orders: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()


class DesignHome(Struct, frozen=True, array_like=True):
    """Which estates a plan concerns."""

    estates: tuple[str, ...] = ()


DESIGN, REVIEWS, INSTALL, DESIGN_HOME, AFTER = 45, 46, 47, 48, 49

#: The type of each kind of row: a part of `agents.state.ROW_TYPES`.
AFTER_ROWS: dict[int, Any] = {
    DESIGN: DesignRow, REVIEWS: ReviewsRow, INSTALL: InstallRow, DESIGN_HOME: DesignHome, AFTER: AfterRow,
}


def design_row(estate_id: str, design_id: str) -> Address:
    """Where a `DesignRow` lies."""
    return (CAMPAIGN, estate_id, DESIGN, design_id)


def reviews_row(estate_id: str, group_id: str) -> Address:
    """Where a group's `ReviewsRow` lies."""
    return (CAMPAIGN, estate_id, REVIEWS, group_id)


def install_row(estate_id: str, order_id: str) -> Address:
    """Where an order's `InstallRow` lies."""
    return (CAMPAIGN, estate_id, INSTALL, order_id)


def after_row(estate_id: str) -> Address:
    """Where an estate's `AfterRow` lies."""
    return (CAMPAIGN, estate_id, AFTER, "")


def design_home(design_id: str) -> Address:
    """Where a `DesignHome` lies."""
    return (PLACEMENT, design_id, DESIGN_HOME, "")
