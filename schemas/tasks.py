"""A task, and the events that go out."""

from __future__ import annotations

from msgspec import Struct, field

from schemas.events import Time
from schemas.values import Action, Phase, Role, Rung, TaskStatus


class Window(Struct, frozen=True):
    """The half hour in which a task is to be done: event times with the campaign's offset."""

    start: Time
    end: Time


class Script(Struct, frozen=True, omit_defaults=True):
    """The text, ready to copy; `id` and `version` name the playbook's template."""

    id: str
    version: int
    text: str
    attachments: tuple[str, ...] = ()


class Evidence(Struct, frozen=True, omit_defaults=True):
    """What a task rests on: a testimonial its order, a reply its message, or `answers`: the post's task.

    `neighbour_id` is whom a member is introduced to, `about` what called for it: `joined`, or the signal's name;
    `message_ids` are the messages of an act against the rules, or those that it collects. `consent` is the event by
    which the owner agreed to what is shown, or agrees no more.
    """

    order_id: str | None = None
    message_id: str | None = None
    member_id: str | None = None
    answers: str | None = None
    neighbour_id: str | None = None
    about: str | None = None
    consent: str | None = None
    message_ids: tuple[str, ...] = ()


class Task(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that one person should do, in one group, in one half hour."""

    task_id: str
    dealer_id: str
    store_id: str | None = None
    estate_id: str
    group_id: str
    campaign_id: str
    stage: int
    phase: Phase
    day: int
    role: Role
    persona_id: str | None = None
    action: Action
    window: Window
    script: Script
    disclosure: str | None = None
    evidence: Evidence | None = None
    because: tuple[str, ...]
    priority: int
    status: TaskStatus
    issued_at: Time


class OutEvent(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The CloudEvents envelope of what goes out; `causationid` is the event that brought it about."""

    # Factories, because `omit_defaults` drops a plain default: CloudEvents wants these written out.
    specversion: str = field(default_factory=lambda: "1.0")
    id: str
    source: str = field(default_factory=lambda: "loupan")
    time: Time
    subject: str
    datacontenttype: str = field(default_factory=lambda: "application/json")
    partitionkey: str
    causationid: str | None = None
    correlationid: str | None = None

    @property
    def type(self) -> str:
        """The event type."""
        return str(self.__struct_config__.tag)


class TaskChange(Struct, frozen=True, omit_defaults=True):
    """A task's new status, and why."""

    task_id: str
    dealer_id: str
    estate_id: str
    group_id: str
    status: TaskStatus
    reason: str = ""


class PhaseChange(Struct, frozen=True, omit_defaults=True):
    """A phase was entered, or its gate missed: the measures against what the gate asks."""

    estate_id: str
    campaign_id: str
    stage: int
    phase: Phase
    day: int
    rule: str
    measures: dict[str, float] = {}
    gate: dict[str, float] = {}
    previous: Phase | None = None


class StageEnd(Struct, frozen=True, omit_defaults=True):
    """A stage is over."""

    estate_id: str
    campaign_id: str
    stage: int
    day: int
    measures: dict[str, float] = {}
    reason: str = ""
    #: The stage that begins by itself, and its first day.
    next_stage: int | None = None
    next_start: str | None = None


class PlaybookChange(Struct, frozen=True, omit_defaults=True):
    """A campaign goes on with another version of its playbook, or, without `version`, with none: it is silent."""

    estate_id: str
    campaign_id: str
    playbook: str
    previous: int
    version: int | None = None
    reason: str = ""


class Behind(Struct, frozen=True, omit_defaults=True):
    """A campaign has less than its category's groups usually have by the evening of that day of the stage.

    `measure` is the figure that is furthest behind; `leak` the one before which most was lost; `weakest` the part of
    the deal formula of whose duties least was done, of `done`, the shares by part. `source` is the baseline's.
    """

    estate_id: str
    campaign_id: str
    stage: int
    phase: Phase
    day: int
    measure: str
    expected: float
    actual: float
    weakest: str | None = None
    leak: str | None = None
    source: str = ""
    done: dict[str, float] = {}
    baseline: dict[str, float] = {}
    measures: dict[str, float] = {}


class EntryEnd(Struct, frozen=True):
    """A series of an entry is over on that day of it: with the evidence that it led in, or after its last way."""

    estate_id: str
    campaign_id: str
    series: str
    reached: bool
    reason: str
    way: str
    day: int


class Goal(Struct, frozen=True):
    """The campaign reached the number of orders that was its target."""

    estate_id: str
    campaign_id: str
    target_orders: int
    orders: int


class MemberPlace(Struct, frozen=True, omit_defaults=True):
    """Where a member's home is thought to be; without `estate_id` it is not known any more.

    `homes` are all their estates, where they have several; `building` and `unit` as they said.
    """

    group_id: str
    member_id: str
    estate_id: str | None = None
    confidence: float = 0.0
    reason: str = ""
    homes: tuple[str, ...] = ()
    building: str = ""
    unit: str = ""


class GroupPlace(Struct, frozen=True, omit_defaults=True):
    """Which estate a group belongs to."""

    group_id: str
    estate_id: str | None = None
    confidence: float = 0.0
    reason: str = ""


class RungChange(Struct, frozen=True):
    """A member stands on another rung; `because` are the event and the evidence gained or lost by it."""

    group_id: str
    member_id: str
    estate_id: str
    rung: Rung
    previous: Rung
    because: tuple[str, ...] = ()


class LedgerLine(Struct, frozen=True):
    """A sum on an account: debit is positive, credit negative."""

    account: str
    fen: int


class LedgerEntry(Struct, frozen=True, omit_defaults=True):
    """What one event changed in an order's books: the lines add up to zero. `rule` says by what, `cause` is the event.

    It names nobody: to whom a rebate is owed is said where the books are read.
    """

    estate_id: str
    order_id: str
    rule: str
    cause: str
    lines: tuple[LedgerLine, ...]
    dealer_id: str | None = None
    group_buy_id: str | None = None
    campaign_id: str | None = None


class TaskIssued(OutEvent, frozen=True, tag="loupan.task.issued.v1"):
    """A task was handed out."""

    data: Task


class TaskWithdrawn(OutEvent, frozen=True, tag="loupan.task.withdrawn.v1"):
    """A task must not be done any more."""

    data: TaskChange


class TaskExpired(OutEvent, frozen=True, tag="loupan.task.expired.v1"):
    """A task's time is over."""

    data: TaskChange


class TaskVerified(OutEvent, frozen=True, tag="loupan.task.verified.v1"):
    """A task was seen to be done in the group's own messages."""

    data: TaskChange


class PhaseEntered(OutEvent, frozen=True, tag="loupan.campaign.phase-entered.v1"):
    """A campaign entered a phase."""

    data: PhaseChange


class GateMissed(OutEvent, frozen=True, tag="loupan.campaign.gate-missed.v1"):
    """A phase's last day is over and its gate is not reached."""

    data: PhaseChange


class CampaignBehind(OutEvent, frozen=True, tag="loupan.campaign.behind.v1"):
    """A campaign falls behind its category's baseline."""

    data: Behind


class EntryEnded(OutEvent, frozen=True, tag="loupan.campaign.entry-ended.v1"):
    """The way into an estate is over: there is a group, or there is none after all."""

    data: EntryEnd


class GoalReached(OutEvent, frozen=True, tag="loupan.campaign.goal-reached.v1"):
    """A campaign reached its target."""

    data: Goal


class StageEnded(OutEvent, frozen=True, tag="loupan.campaign.stage-ended.v1"):
    """A campaign's stage is over."""

    data: StageEnd


class PlaybookChanged(OutEvent, frozen=True, tag="loupan.campaign.playbook-changed.v1"):
    """The version of the playbook that a campaign was played by is not loaded any more."""

    data: PlaybookChange


class MemberPlaced(OutEvent, frozen=True, tag="loupan.member.placed.v1"):
    """A member was mapped to an estate, or away from one."""

    data: MemberPlace


class RungChanged(OutEvent, frozen=True, tag="loupan.member.rung-changed.v1"):
    """A member moved on the ladder."""

    data: RungChange


class GroupPlaced(OutEvent, frozen=True, tag="loupan.group.placed.v1"):
    """A group was mapped to an estate, or away from one."""

    data: GroupPlace


class LedgerPosted(OutEvent, frozen=True, tag="loupan.ledger.posted.v1"):
    """An entry was made in the books of an order."""

    data: LedgerEntry


TASK_OUT: tuple[type[OutEvent], ...] = (TaskIssued, TaskWithdrawn, TaskExpired, TaskVerified)
CAMPAIGN_OUT: tuple[type[OutEvent], ...] = (
    EntryEnded, PhaseEntered, GateMissed, CampaignBehind, GoalReached, StageEnded, PlaybookChanged, MemberPlaced,
    RungChanged, GroupPlaced, LedgerPosted,
)
OUT_EVENTS = TASK_OUT + CAMPAIGN_OUT
