"""Every event that comes in, as a typed model decoded straight from bytes.

The envelope is CloudEvents 1.0 in JSON (structured mode). `type` tells the models apart, so one pass of
the decoder gives the right class with `data` already checked. Fields that a model does not know stay in
the bytes, which the log keeps whole.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.encodings import looks_gbk
from schemas.errors import BadEvent
from schemas.values import Fen, Id, Location, PriceFen, Use

#: The largest event that a door takes, in bytes. A larger one is a dead letter.
MAX_EVENT_BYTES = 1_048_576
#: An event that says it happened before or after these years is wrong about it.
FIRST_YEAR, LAST_YEAR = 2000, 2099

Time = Annotated[datetime, Meta(tz=True)]


class Event(Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """The CloudEvents envelope. `source` + `id` name the event; `time` is when it happened (RFC 3339)."""

    specversion: Literal["1.0"]
    id: Id
    source: Id
    time: Time
    subject: str | None = None
    datacontenttype: str | None = None
    partitionkey: str | None = None
    causationid: str | None = None
    correlationid: str | None = None

    @property
    def type(self) -> str:
        """The event type, e.g. ``loupan.group.message.v1``."""
        return str(self.__struct_config__.tag)

    @property
    def ref(self) -> str:
        """The name of the event in a task's `because`: ``source#id``."""
        return f"{self.source}#{self.id}"


# --- groups ---------------------------------------------------------------------------------------


class MessageData(Struct, frozen=True, gc=False):
    """A message. `kind` is text, image, voice, video, …; a kind that we don't know reads as `other`."""

    group_id: Id
    message_id: Id
    member_id: Id
    kind: str
    text: str | None = None
    location: Location | None = None
    mentions: list[str] | None = None
    reply_to: str | None = None
    link: str | None = None


#: The kinds of a message that are told apart; any other counts as ``other``.
KINDS = frozenset(
    "text image voice video file link location card mini_program red_packet vote collect chain mixed other".split()
)


class MemberJoinedData(Struct, frozen=True):
    """Somebody joined; `join_state` is the code in the join link, the strongest sign of an estate."""

    group_id: Id
    member_id: Id
    display_name: str | None = None
    join_state: str | None = None
    join_scene: str | int | None = None
    invited_by: str | None = None


class MemberLeftData(Struct, frozen=True):
    """Somebody left, or was removed."""

    group_id: Id
    member_id: Id


class MessageRecalledData(Struct, frozen=True):
    """A message was taken back by who wrote it."""

    group_id: Id
    message_id: Id


class GroupUpdatedData(Struct, frozen=True):
    """What changed of a group; a field that is absent did not change, `null` clears it."""

    group_id: Id
    name: str | UnsetType | None = UNSET
    owner_id: str | UnsetType | None = UNSET
    notice: str | UnsetType | None = UNSET
    estate_id: str | UnsetType | None = UNSET
    open: bool | UnsetType | None = UNSET


class HomeDeclaredData(Struct, frozen=True):
    """A member said, in a form or a mini-program, where their home is."""

    member_id: Id
    group_id: Id | None = None
    estate_id: str | None = None
    estate_name: str | None = None
    address: str | None = None
    location: Location | None = None


class ConsentData(Struct, frozen=True):
    """A member gave or took back consent for one scope."""

    member_id: Id
    scope: Literal["profiling", "location", "marketing"]
    granted: bool


class ErasedData(Struct, frozen=True):
    """A member asked to be erased."""

    member_id: Id


class GroupMessage(Event, frozen=True, tag="loupan.group.message.v1"):
    """A message was sent in a group."""

    data: MessageData


class MemberJoined(Event, frozen=True, tag="loupan.group.member-joined.v1"):
    """A member joined a group."""

    data: MemberJoinedData


class MemberLeft(Event, frozen=True, tag="loupan.group.member-left.v1"):
    """A member left a group."""

    data: MemberLeftData


class MessageRecalled(Event, frozen=True, tag="loupan.group.message-recalled.v1"):
    """A message was recalled."""

    data: MessageRecalledData


class GroupUpdated(Event, frozen=True, tag="loupan.group.updated.v1"):
    """A group's name, owner, notice, estate or openness to us changed."""

    data: GroupUpdatedData


class HomeDeclared(Event, frozen=True, tag="loupan.member.home-declared.v1"):
    """A member declared their home."""

    data: HomeDeclaredData


class Consent(Event, frozen=True, tag="loupan.member.consent.v1"):
    """A member's consent changed."""

    data: ConsentData


class Erased(Event, frozen=True, tag="loupan.member.erased.v1"):
    """A member is to be erased, everywhere and for good."""

    data: ErasedData


# --- orders ---------------------------------------------------------------------------------------


class Item(Struct, frozen=True):
    """A line of an order."""

    sku: Id
    category: str
    line: Literal["traffic", "regular", "service", "referral"]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    unit_price_fen: PriceFen


class Delivery(Struct, frozen=True):
    """Where an order goes."""

    address: str | None = None
    location: Location | None = None


class OrderPlacedData(Struct, frozen=True):
    """An order. Money is integer fen; the amount may be less than its items, where there is a discount."""

    order_id: Id
    items: Annotated[list[Item], Meta(min_length=1, max_length=1000)]
    amount_fen: PriceFen
    member_id: str | None = None
    group_id: str | None = None
    dealer_id: str | None = None
    delivery: Delivery | None = None
    referrer_id: str | None = None
    group_buy_id: str | None = None


class OrderData(Struct, frozen=True):
    """What happened to an order."""

    order_id: Id
    amount_fen: Fen | None = None
    note: str | None = None


class RebatePaidData(Struct, frozen=True):
    """So much of an order's rebate was paid to who brought the buyer."""

    order_id: Id
    amount_fen: PriceFen
    note: str | None = None


class InstallCheckedData(Struct, frozen=True):
    """One of the five install checks: 1 fitter, 2 guide, 3 group photos, 4 neighbours, 5 owner."""

    order_id: Id
    step: Annotated[int, Meta(ge=1, le=5)]
    passed: bool
    note: str | None = None


class OrderPlaced(Event, frozen=True, tag="loupan.order.placed.v1"):
    """An order was placed."""

    data: OrderPlacedData


class DepositPaid(Event, frozen=True, tag="loupan.order.deposit-paid.v1"):
    """An order's deposit was paid."""

    data: OrderData


class OrderPaid(Event, frozen=True, tag="loupan.order.paid.v1"):
    """An order was paid in full."""

    data: OrderData


class OrderCancelled(Event, frozen=True, tag="loupan.order.cancelled.v1"):
    """An order was cancelled."""

    data: OrderData


class OrderRefunded(Event, frozen=True, tag="loupan.order.refunded.v1"):
    """An order was refunded."""

    data: OrderData


class OrderDelivered(Event, frozen=True, tag="loupan.order.delivered.v1"):
    """An order was delivered."""

    data: OrderData


class InstallChecked(Event, frozen=True, tag="loupan.order.install-checked.v1"):
    """An install check was made."""

    data: InstallCheckedData


class OrderInstalled(Event, frozen=True, tag="loupan.order.installed.v1"):
    """An order was installed."""

    data: OrderData


# --- tasks ----------------------------------------------------------------------------------------


class TaskMarkData(Struct, frozen=True):
    """A task was claimed or done; `message_id` is the message that did it, where known."""

    task_id: Id
    persona_id: str | None = None
    message_id: str | None = None


class TaskSkippedData(Struct, frozen=True):
    """A task was skipped, and why."""

    task_id: Id
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]
    persona_id: str | None = None


class TaskClaimed(Event, frozen=True, tag="loupan.task.claimed.v1"):
    """Somebody took a task."""

    data: TaskMarkData


class TaskDone(Event, frozen=True, tag="loupan.task.done.v1"):
    """Somebody says that a task is done."""

    data: TaskMarkData


class TaskSkipped(Event, frozen=True, tag="loupan.task.skipped.v1"):
    """Somebody will not do a task."""

    data: TaskSkippedData


# --- campaigns and the clock ----------------------------------------------------------------------

Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class CampaignStartedData(Struct, frozen=True):
    """Start a campaign on an estate; `start_date` is day 1, in the campaign's zone."""

    estate_id: Id
    playbook: Id
    start_date: Date
    stage: Annotated[int, Meta(ge=1, le=9)] = 1
    target_orders: Annotated[int, Meta(ge=0)] | None = None


class CampaignData(Struct, frozen=True):
    """Which estate's campaign, and why."""

    estate_id: Id
    reason: str | None = None


class CampaignStarted(Event, frozen=True, tag="loupan.campaign.started.v1"):
    """An estate's campaign was started."""

    data: CampaignStartedData


class CampaignPaused(Event, frozen=True, tag="loupan.campaign.paused.v1"):
    """An estate's campaign was paused."""

    data: CampaignData


class CampaignResumed(Event, frozen=True, tag="loupan.campaign.resumed.v1"):
    """An estate's campaign goes on."""

    data: CampaignData


class CampaignEnded(Event, frozen=True, tag="loupan.campaign.ended.v1"):
    """An estate's campaign was ended."""

    data: CampaignData


class WokeData(Struct, frozen=True):
    """The clock reached `due`, when the estate's campaign had asked to be woken."""

    estate_id: Id
    due: Time


class Woke(Event, frozen=True, tag="loupan.clock.woke.v1"):
    """A wake-up: published to `estate-events` like any event. No door takes it."""

    data: WokeData


# --- our own people -------------------------------------------------------------------------------


class PersonaAwayData(Struct, frozen=True, rename={"first": "from"}):
    """A persona is away from the date `from` to the date `until`, both included, in the campaign's zone."""

    persona_id: Id
    first: Date
    until: Date
    reason: str | None = None


class PersonaBackData(Struct, frozen=True):
    """A persona is back, before the date that was named."""

    persona_id: Id


class PersonaAway(Event, frozen=True, tag="loupan.persona.away.v1"):
    """One of our people is away: their tasks go to whoever stands in."""

    data: PersonaAwayData


class PersonaBack(Event, frozen=True, tag="loupan.persona.back.v1"):
    """One of our people is back."""

    data: PersonaBackData


# --- designs, and what an owner agrees to ---------------------------------------------------------


class DesignDraftedData(Struct, frozen=True):
    """A plan was drawn: for a unit type (general), or for the home of one owner (personal).

    A personal one names its owner, by `member_id` or by their order.
    """

    design_id: Id
    kind: Literal["general", "personal"]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    group_id: str | None = None
    unit_type: str | None = None
    order_id: str | None = None
    member_id: str | None = None
    link: str | None = None


class DesignConsentedData(Struct, frozen=True):
    """The owner of a plan agrees that the neighbours are shown it, or agrees no more."""

    design_id: Id
    member_id: Id
    granted: bool


class OrderConsentedData(Struct, frozen=True):
    """The buyer agrees to one use of what was built for them, or agrees no more."""

    order_id: Id
    member_id: Id
    use: Use
    granted: bool


class DesignDrafted(Event, frozen=True, tag="loupan.design.drafted.v1"):
    """A plan was drawn, or drawn anew."""

    data: DesignDraftedData


class DesignConsented(Event, frozen=True, tag="loupan.design.consented.v1"):
    """An owner's consent to show their plan changed."""

    data: DesignConsentedData


class OrderConsented(Event, frozen=True, tag="loupan.order.consented.v1"):
    """A buyer's consent to show what was built for them changed."""

    data: OrderConsentedData


class RebatePaid(Event, frozen=True, tag="loupan.order.rebate-paid.v1"):
    """An order's rebate, or a part of it, was paid to who brought the buyer."""

    data: RebatePaidData


GroupEvent = (
    GroupMessage | MemberJoined | MemberLeft | MessageRecalled | GroupUpdated | HomeDeclared | Consent | Erased
)
OrderEvent = (
    OrderPlaced | DepositPaid | OrderPaid | OrderCancelled | OrderRefunded | OrderDelivered | InstallChecked
    | OrderInstalled | RebatePaid
)
TaskEvent = TaskClaimed | TaskDone | TaskSkipped
CommandEvent = CampaignStarted | CampaignPaused | CampaignResumed | CampaignEnded
PersonaEvent = PersonaAway | PersonaBack
DesignEvent = DesignDrafted | DesignConsented
#: What a door takes.
InEvent = GroupEvent | OrderEvent | TaskEvent | CommandEvent | PersonaEvent | DesignEvent | OrderConsented
#: What a log may hold: what a door takes, and the clock's wake-ups.
AnyEvent = InEvent | Woke

GROUP_EVENTS: tuple[type[Event], ...] = GroupEvent.__args__
ORDER_EVENTS: tuple[type[Event], ...] = OrderEvent.__args__
TASK_EVENTS: tuple[type[Event], ...] = TaskEvent.__args__
COMMAND_EVENTS: tuple[type[Event], ...] = CommandEvent.__args__
PERSONA_EVENTS: tuple[type[Event], ...] = PersonaEvent.__args__
DESIGN_EVENTS: tuple[type[Event], ...] = DesignEvent.__args__
IN_EVENTS: tuple[type[Event], ...] = (
    *GROUP_EVENTS, *ORDER_EVENTS, *TASK_EVENTS, *COMMAND_EVENTS, *PERSONA_EVENTS, *DESIGN_EVENTS, OrderConsented)

_decoder = msgspec.json.Decoder(InEvent)
_log_decoder = msgspec.json.Decoder(AnyEvent)


def decode(raw: bytes) -> InEvent:
    """Read one event as a door takes it.

    Raises:
        BadEvent: with what is wrong and where (``$.data.location.crs``), in one line.
    """
    return _decode(_decoder, raw)  # type: ignore[no-any-return]  # the decoder's own type parameter says so


def decode_logged(raw: bytes) -> AnyEvent:
    """Read one event of the `estate-events` log, where wake-ups stand too."""
    return _decode(_log_decoder, raw)  # type: ignore[no-any-return]  # as above


#: Control characters that no text has, as JSON must write them: NUL, which PostgreSQL refuses, and the unit
#: separator, which parts the keys of our own rows.
_NO_TEXT = ((b"\\u0000", "NUL"), (b"\\u001f", "U+001F"), (b"\\u001F", "U+001F"))


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    if len(raw) > MAX_EVENT_BYTES:
        raise BadEvent(f"the event has {len(raw)} bytes, more than the {MAX_EVENT_BYTES} that are taken")
    if b"\\u00" in raw:
        _refuse_controls(raw)
    try:
        event = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise BadEvent(_explain(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEvent(why_unreadable(raw, str(error))) from error
    except RecursionError as error:
        raise BadEvent("not JSON that can be read: nested too deeply") from error
    if not FIRST_YEAR <= event.time.year <= LAST_YEAR:
        raise BadEvent(f"its time {event.time.isoformat()} is no time of ours - at `$.time`")
    return event


def _refuse_controls(raw: bytes) -> None:
    for escape, name in _NO_TEXT:
        if escape in raw:
            raise BadEvent(f"the character {name} stands in it, which no text and no id has")


#: An escape as JSON writes it, or a pair of them that is one character; only half of one, by itself, has group 1.
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL)


def why_unreadable(raw: bytes, message: str) -> str:
    """Why bytes are no JSON in UTF-8: what is known to cause it, else what the decoder says."""
    half = next((found[1] for found in ESCAPE.finditer(raw) if found[1]), None)
    if half is not None:
        return f"half of a character ({half.decode()}) stands in it without its other half"
    try:
        raw.decode()
    except UnicodeDecodeError:
        if looks_gbk(raw):
            return "it is written in GBK: send it in UTF-8"
    return f"not JSON in UTF-8: {message}"


def _explain(message: str) -> str:
    if message.endswith("`$.type`"):
        return f"unknown event type: {message}"
    if "required field `crs`" in message:
        return f"a point without its datum (crs: wgs84, gcj02 or bd09): {message}"
    return message
