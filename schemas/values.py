"""The words that events, tasks, playbooks and reference data share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

#: An id given by somebody else: not empty, at most 256 characters.
Id = Annotated[str, Meta(min_length=1, max_length=256)]
#: Integer fen (1/100 yuan).
Fen = Annotated[int, Meta(ge=-(10**15), le=10**15)]
#: What something costs, in fen.
PriceFen = Annotated[int, Meta(ge=0, le=10**15)]
#: The datum of a point: GPS; WeChat, Tencent and AMap; Baidu.
Crs = Literal["wgs84", "gcj02", "bd09"]


class Phase(StrEnum):
    """The five phases of a stage, in their order."""

    WARM_UP = "warm_up"
    TRUST = "trust"
    VALUE = "value"
    SIGN_UP = "sign_up"
    CLOSING = "closing"


class Rung(StrEnum):
    """The relationship ladder, lowest first."""

    STRANGER = "stranger"
    ONLOOKER = "onlooker"
    PARTICIPANT = "participant"
    INTERESTED = "interested"
    PROSPECTIVE_BUYER = "prospective_buyer"
    BUYER = "buyer"
    LOYAL_FAN = "loyal_fan"
    SPREADER = "spreader"
    REFERRER = "referrer"


RUNGS: tuple[Rung, ...] = tuple(Rung)


class Role(StrEnum):
    """What a persona is for in a group."""

    MAIN_PERSONA = "main_persona"
    SHILL = "shill"
    GROUP_ADMIN = "group_admin"
    CUSTOMER_SERVICE = "customer_service"
    DESIGNER = "designer"
    INSTALLER = "installer"
    LEADER = "leader"


class PersonaClass(StrEnum):
    """Who a persona really is. It decides as whom they may speak."""

    STAFF = "staff"
    BUYER = "buyer"
    PARTNER = "partner"


class Action(StrEnum):
    """What a task asks a person to do."""

    POST = "post"
    REPLY = "reply"
    WELCOME = "welcome"
    INVITE = "invite"
    CALL = "call"
    VISIT = "visit"
    WARN = "warn"
    REMOVE = "remove"
    REVIEW = "review"
    CHECK = "check"


#: Actions whose doing can be seen in the group's own messages, and so be verified.
VISIBLE_ACTIONS = frozenset({Action.POST, Action.REPLY, Action.WELCOME})
#: Actions whose text somebody else will read, word for word; of the others it tells the person what to do.
SAID_ACTIONS = VISIBLE_ACTIONS | {Action.INVITE, Action.WARN}


class Use(StrEnum):
    """What an owner may agree to of what was built for them: photos for the group, neighbours who come to look."""

    PHOTOS = "photos"
    VISIT = "visit"


class TaskStatus(StrEnum):
    """Where a task stands."""

    ISSUED = "issued"
    CLAIMED = "claimed"
    DONE = "done"
    VERIFIED = "verified"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class GroupKind(StrEnum):
    """Whose group it is: our own, one that we joined, or one that several brands share."""

    OWN = "own"
    JOINED = "joined"
    ALLIANCE = "alliance"


class Way(StrEnum):
    """The five ways into a group."""

    INVITATION = "invitation"
    TASK = "task"
    PAYMENT = "payment"
    REQUEST = "request"
    WAITING_LIST = "waiting_list"


class Circle(StrEnum):
    """The four kinds of group, from the widest to the narrowest, and beside them those about one thing."""

    BASIC = "basic"
    ADVANCED = "advanced"
    CORE = "core"
    THEME = "theme"


class Point(Struct, frozen=True):
    """A point in degrees, longitude before latitude, in the datum that it names."""

    lng: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    crs: Crs


class Location(Struct, frozen=True):
    """A shared location or a delivery point: a `Point` with what the app wrote beside it."""

    lng: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    crs: Crs
    label: str | None = None
    address: str | None = None
