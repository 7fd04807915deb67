"""What the two steps remember, row by row. Every row is small, immutable and encodes to a few dozen bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from agents.after_rows import AFTER_ROWS
from agents.call_rows import CALL_ROWS
from agents.order_rows import ORDER_ROWS
from agents.people_rows import PEOPLE_ROWS
from agents.quiz_rows import QUIZ_ROWS
from agents.rows import CAMPAIGN, PLACEMENT, Address
from agents.shop_rows import SHOP_ROWS
from maps.clues import Clue
from schemas.tasks import Task
from schemas.values import RUNGS, Phase

# --- placement: keyed by group (people by member, orders and tasks by their own ids) -----------------


class GroupHome(Struct, frozen=True, array_like=True, gc=False):
    """Which estate a group belongs to, and from what."""

    name: str = ""
    owner_id: str | None = None
    open: bool = True
    clues: tuple[Clue, ...] = ()
    estate_id: str | None = None
    confidence: float = 0.0
    reason: str = ""
    #: How many members say each estate is theirs, whatever the group is taken for.
    homes: tuple[tuple[str, int], ...] = ()


class MemberHome(Struct, frozen=True, array_like=True, gc=False):
    """Where a member's home is, and from what.

    `blocked`: took back consent to be profiled; `no_messages`: to marketing; `name` as shown when they joined. `own` is
    the estate that their own clues name without the group's help; `homes` are all that one of them is sure of, where
    it is more than one; `building` and `unit` as they said.
    """

    clues: tuple[Clue, ...] = ()
    estate_id: str | None = None
    confidence: float = 0.0
    reason: str = ""
    present: bool = True
    blocked: bool = False
    no_location: bool = False
    name: str = ""
    no_messages: bool = False
    own: str | None = None
    homes: tuple[str, ...] = ()
    building: str = ""
    unit: str = ""


class PersonRow(Struct, frozen=True, array_like=True):
    """What holds for a person in every group: what they forbade, whether they were erased, what they declared.

    `groups` and `estates` are where something is kept about them: as a member, and beside that by an order.
    """

    groups: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    erased: bool = False
    clues: tuple[Clue, ...] = ()
    estates: tuple[str, ...] = ()


class OrderHome(Struct, frozen=True, array_like=True):
    """Which estates an order concerns: the home that it is for, and those where its buyer is a persona.

    `home` is the one that its first placement was for: that estate keeps its books.
    """

    estates: tuple[str, ...] = ()
    home: str | None = None


class TaskHome(Struct, frozen=True, array_like=True):
    """Which estate a task belongs to."""

    estate_id: str


# --- campaign: keyed by estate -----------------------------------------------------------------------


class Queued(Struct, frozen=True, array_like=True):
    """A stage that waits for the one before it: its number, its first day at the earliest, its target."""

    stage: int
    start_date: str
    target_orders: int | None = None


class CampaignRow(Struct, frozen=True, array_like=True):
    """An estate's campaign. `run` is scheduled, running, paused or ended; dates are ISO dates in its zone.

    `day` counts the stage's days, `phase_day` the phase's, `phase_seq` the phases entered so far; `turned` and
    `planned` are the last dates that were turned to and planned.
    """

    campaign_id: str
    playbook: str
    version: int
    stage: int
    start_date: str
    run: str
    target_orders: int | None = None
    phase: Phase | None = None
    phase_seq: int = 0
    phase_day: int = 0
    day: int = 0
    turned: str = ""
    planned: str = ""
    goal_reached: bool = False
    missed: bool = False
    #: Later stages that were started already and wait for this one to end, by number.
    queued: tuple[Queued, ...] = ()
    #: Its playbook is not loaded any more, and HQ was told.
    lost: bool = False
    #: When the last of its open quizzes closes.
    quiz_until: datetime | None = None


class GroupRow(Struct, frozen=True, array_like=True):
    """What the campaign knows of a group beside the reference: its name now, its owner, whether it is open."""

    name: str = ""
    owner_id: str | None = None
    open: bool = True
    here: bool = True


class Tally(Struct, frozen=True, array_like=True):
    """The counts of a group: kept as things change, so that a gate costs nothing."""

    members: int = 0
    active: int = 0
    key_people: int = 0
    placed: int = 0
    rungs: tuple[int, ...] = (0,) * len(RUNGS)


class MemberRow(Struct, frozen=True, array_like=True, gc=False):
    """A member on the ladder.

    `evidence` is a set of bits (agents/ladder.py); `active_in` the last phase in which they spoke, -1 for never;
    `answered` how many different people answered them, `heard` how often they were answered at all (both count to 3).
    `met` says how they and our people met (bits of agents/connections.py), `friends` how many friends they have in the
    group, `spoke_on` the day on which they spoke last (0: not known), `faded` what silence took from the evidence;
    `building` and `name` as they said.
    """

    rung: int = 0
    evidence: int = 0
    active_in: int = -1
    answered: int = 0
    present: bool = True
    opted_out: bool = False
    home: bool = False
    met: int = 0
    friends: int = 0
    spoke_on: int = 0
    faded: int = 0
    building: str = ""
    name: str = ""
    heard: int = 0


class OrderRow(Struct, frozen=True, array_like=True):
    """An order of this estate, or of a persona who works here.

    `campaign_id` is the campaign that it counts for: the one that ran here when it was placed for a home here.
    """

    member_id: str | None
    group_id: str | None
    products: tuple[str, ...]
    amount_fen: int
    referrer_id: str | None = None
    campaign_id: str | None = None
    deposit: bool = False
    paid: bool = False
    delivered: bool = False
    installed: bool = False
    cancelled: bool = False
    refunded: bool = False
    #: Only a part was refunded: the order itself stands.
    kept: bool = False
    #: The day of its first delivery, as an ordinal; 0 where it is not known.
    delivered_on: int = 0
    #: Its own delivery is to a home in this estate.
    here: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is neither cancelled nor given back; a part of the money may have been."""
        return not self.cancelled and (self.kept or not self.refunded)

    @property
    def counts(self) -> bool:
        """Whether it counts as sold: something was paid, and it stands."""
        return (self.deposit or self.paid) and self.stands

    @property
    def testifies(self) -> bool:
        """Whether its buyer may speak about it: delivered, and nothing of it given back."""
        return self.delivered and not (self.cancelled or self.refunded)


class SeenPost(Struct, frozen=True, array_like=True):
    """A message of a persona that no task has claimed yet."""

    message_id: str
    at: datetime
    text: str
    kind: str


class PersonaRow(Struct, frozen=True, array_like=True):
    """A persona in a group: their last messages that belong to no task."""

    seen: tuple[SeenPost, ...] = ()


class TaskRow(Struct, frozen=True, array_like=True):
    """A task that may still change: until when it may be done, and the message that did it."""

    task: Task
    expires: datetime
    verified_by: str | None = None


class TaskCounts(Struct, frozen=True, array_like=True):
    """How many of the campaign's tasks stand where, how many honesty refused, and for how many nobody was there."""

    issued: int = 0
    claimed: int = 0
    done: int = 0
    verified: int = 0
    skipped: int = 0
    expired: int = 0
    withdrawn: int = 0
    refused: int = 0
    unstaffed: int = 0


class DayCount(Struct, frozen=True, array_like=True):
    """How many tasks a reaction has called for in a group on a day."""

    date: str
    count: int


class Exchange(Struct, frozen=True, array_like=True):
    """A post of ours and the replies to it that are still open: tasks by id; `out_at` once the post is out."""

    post: str
    replies: tuple[str, ...]
    seen_by: datetime
    out_at: datetime | None = None


class ExchangesRow(Struct, frozen=True, array_like=True):
    """The open exchanges of a group; a group without any has no such row."""

    exchanges: tuple[Exchange, ...] = ()


class Act(Struct, frozen=True, array_like=True):
    """What a member did against a rule: from when on, with which messages; `needs` of them make it an act.

    `task` is the warning or the removal that it led to; `done` says that it was a warning, and was given.
    """

    at: datetime
    rule: str
    messages: tuple[str, ...]
    needs: int = 1
    task: str = ""
    done: bool = False


class OffencesRow(Struct, frozen=True, array_like=True):
    """A member's acts within the memory; who keeps the rules has no such row."""

    acts: tuple[Act, ...] = ()


class PicturesRow(Struct, frozen=True, array_like=True):
    """The last pictures of a member who posts pictures: message ids, with their times in seconds."""

    seen: tuple[tuple[str, int], ...] = ()


class PeaceRow(Struct, frozen=True, array_like=True):
    """A member who declined: left in peace in the phase of that number."""

    phase_seq: int


GROUP_HOME, MEMBER_HOME, PERSON, ORDER_HOME, TASK_HOME = 1, 2, 3, 4, 5
CAMPAIGN_ROW, GROUP, TALLY, MEMBER, ORDER, PERSONA, TASK, DAY_COUNT, TASK_COUNTS = 11, 12, 13, 14, 15, 16, 17, 18, 19
EXCHANGES, PEACE, PICTURES, OFFENCES = 35, 36, 37, 38

#: The type of each kind of row: how the store reads it back.
ROW_TYPES: dict[int, Any] = {
    GROUP_HOME: GroupHome, MEMBER_HOME: MemberHome, PERSON: PersonRow, ORDER_HOME: OrderHome, TASK_HOME: TaskHome,
    CAMPAIGN_ROW: CampaignRow, GROUP: GroupRow, TALLY: Tally, MEMBER: MemberRow, ORDER: OrderRow,
    PERSONA: PersonaRow, TASK: TaskRow, DAY_COUNT: DayCount, TASK_COUNTS: TaskCounts,
    EXCHANGES: ExchangesRow, PEACE: PeaceRow, PICTURES: PicturesRow, OFFENCES: OffencesRow,
    **CALL_ROWS,
    **PEOPLE_ROWS,
    **QUIZ_ROWS,
    **SHOP_ROWS,
    **ORDER_ROWS,
    **AFTER_ROWS,
}

_PART = "\x1f"


def group_home(group_id: str) -> Address:
    """Where a group's `GroupHome` lies."""
    return (PLACEMENT, group_id, GROUP_HOME, "")


def member_home(group_id: str, member_id: str) -> Address:
    """Where a `MemberHome` lies."""
    return (PLACEMENT, group_id, MEMBER_HOME, member_id)


def person(member_id: str) -> Address:
    """Where a `PersonRow` lies."""
    return (PLACEMENT, member_id, PERSON, "")


def order_home(order_id: str) -> Address:
    """Where an `OrderHome` lies."""
    return (PLACEMENT, order_id, ORDER_HOME, "")


def task_home(task_id: str) -> Address:
    """Where a `TaskHome` lies."""
    return (PLACEMENT, task_id, TASK_HOME, "")


def campaign_row(estate_id: str) -> Address:
    """Where an estate's `CampaignRow` lies."""
    return (CAMPAIGN, estate_id, CAMPAIGN_ROW, "")


def group_row(estate_id: str, group_id: str) -> Address:
    """Where a `GroupRow` lies."""
    return (CAMPAIGN, estate_id, GROUP, group_id)


def tally(estate_id: str, group_id: str) -> Address:
    """Where a group's `Tally` lies."""
    return (CAMPAIGN, estate_id, TALLY, group_id)


def member_row(estate_id: str, group_id: str, member_id: str) -> Address:
    """Where a `MemberRow` lies."""
    return (CAMPAIGN, estate_id, MEMBER, group_id + _PART + member_id)


def member_of(sub: str) -> tuple[str, str]:
    """The group and the member of a `MemberRow`'s sub-key; the group and the persona of a `PersonaRow`'s."""
    group_id, _, member_id = sub.partition(_PART)
    return group_id, member_id


def order_row(estate_id: str, order_id: str) -> Address:
    """Where an `OrderRow` lies."""
    return (CAMPAIGN, estate_id, ORDER, order_id)


def persona_row(estate_id: str, group_id: str, persona_id: str) -> Address:
    """Where a `PersonaRow` lies."""
    return (CAMPAIGN, estate_id, PERSONA, group_id + _PART + persona_id)


def task_row(estate_id: str, task_id: str) -> Address:
    """Where a `TaskRow` lies."""
    return (CAMPAIGN, estate_id, TASK, task_id)


def task_counts(estate_id: str) -> Address:
    """Where an estate's `TaskCounts` lie."""
    return (CAMPAIGN, estate_id, TASK_COUNTS, "")


def day_count(estate_id: str, group_id: str, reaction: str) -> Address:
    """Where a reaction's `DayCount` lies."""
    return (CAMPAIGN, estate_id, DAY_COUNT, group_id + _PART + reaction)


def exchanges_row(estate_id: str, group_id: str) -> Address:
    """Where a group's `ExchangesRow` lies."""
    return (CAMPAIGN, estate_id, EXCHANGES, group_id)


def peace_row(estate_id: str, member_id: str) -> Address:
    """Where a member's `PeaceRow` lies."""
    return (CAMPAIGN, estate_id, PEACE, member_id)


def pictures_row(estate_id: str, group_id: str, member_id: str) -> Address:
    """Where a member's `PicturesRow` lies."""
    return (CAMPAIGN, estate_id, PICTURES, group_id + _PART + member_id)


def offences_row(estate_id: str, group_id: str, member_id: str) -> Address:
    """Where a member's `OffencesRow` lies."""
    return (CAMPAIGN, estate_id, OFFENCES, group_id + _PART + member_id)
