"""Reference data: who and what there is before the first event. Plain rows; `streams/` reads the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import TypeVar

from msgspec import Struct

from schemas.offer_terms import Deal
from schemas.values import Crs, GroupKind, PersonaClass, Role

T = TypeVar("T")


class Estate(Struct, frozen=True, gc=False):
    """A housing estate (楼盘). The point is in `crs`'s datum; an outline is a WGS-84 ring list (lng, lat).

    `parent` is the id of the estate that this one is a phase or a section of; `sources` are the listings that it was
    merged from.
    """

    estate_id: str
    name: str
    address: str = ""
    lng: float | None = None
    lat: float | None = None
    crs: Crs | None = None
    households: int | None = None
    city: str = ""
    district: str = ""
    build_year: int | None = None
    aliases: tuple[str, ...] = ()
    outline: tuple[tuple[tuple[float, float], ...], ...] = ()
    parent: str = ""
    sources: tuple[str, ...] = ()


class Dealer(Struct, frozen=True):
    """A regional dealer."""

    dealer_id: str
    name: str
    city: str = ""


class Store(Struct, frozen=True):
    """A dealer's shop."""

    store_id: str
    dealer_id: str
    name: str
    lng: float | None = None
    lat: float | None = None
    crs: Crs | None = None
    staff: int | None = None


class Group(Struct, frozen=True):
    """A WeChat group. `open` is false where its owner closed it to us.

    `admission` are its ways in, where it has its own; `circle` which of the four kinds of group it is.
    """

    group_id: str
    name: str = ""
    kind: GroupKind = GroupKind.OWN
    estate_id: str | None = None
    dealer_id: str | None = None
    store_id: str | None = None
    owner_id: str | None = None
    open: bool = True
    admission: tuple[str, ...] = ()
    circle: str = ""


class Character(Struct, frozen=True, omit_defaults=True):
    """How a persona is in a group, in seven traits (docs/staffing.md); an empty one is not known.

    Who they are (身份), what they are good at (专长), their temper (性格), how they talk (说话方式), what they hold to
    (价值观), their story (故事) and what they always say (口头禅).
    """

    identity: str = ""
    skill: str = ""
    temper: str = ""
    voice: str = ""
    values: str = ""
    story: str = ""
    catchphrase: str = ""


#: The traits of a character, and what the trade calls them.
TRAITS: dict[str, str] = {
    "identity": "身份", "skill": "专长", "temper": "性格", "voice": "说话方式", "values": "价值观", "story": "故事",
    "catchphrase": "口头禅",
}
#: Longest trait, in characters.
TRAIT_AT_MOST = 120


class Persona(Struct, frozen=True):
    """A registered, real person of one class, with one account a group.

    `hours` are when they work, from and to, on the clock of the campaign's zone; `days_off` weekdays (``sun``) and ISO
    dates; `load` the most tasks a day, over all groups; `skills` roles that they may stand in for beside their own.
    What is not given sets no bound.
    """

    persona_id: str
    name: str
    role: Role
    cls: PersonaClass
    member_id: str
    dealer_id: str
    groups: tuple[str, ...] = ()
    hours: tuple[time, time] | None = None
    days_off: tuple[str, ...] = ()
    load: int | None = None
    skills: tuple[Role, ...] = ()
    character: Character | None = None


class CampaignPlan(Struct, frozen=True):
    """A campaign that is to be run: a row of campaigns.csv, or a started event."""

    estate_id: str
    playbook: str
    stage: int
    start_date: str
    target_orders: int | None = None


class Offer(Struct, frozen=True):
    """An offer, in words ready for a script (`price` is what one may show), and the figures that orders go by."""

    offer_id: str
    name: str
    terms: str
    price: str = ""
    dealer_id: str | None = None
    category: str = ""
    deal: Deal | None = None


class Answer(Struct, frozen=True):
    """A dealer's own answer to a question; one that names no dealer is everybody's. `about` as in a playbook."""

    answer_id: str
    about: str
    keys: tuple[str, ...]
    text: str
    role: Role = Role.CUSTOMER_SERVICE
    attachments: tuple[str, ...] = ()
    dealer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """All reference data, with the look-ups that the core needs. Built once, never changed."""

    estates: Mapping[str, Estate] = field(default_factory=dict)
    dealers: Mapping[str, Dealer] = field(default_factory=dict)
    stores: Mapping[str, Store] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    personas: Mapping[str, Persona] = field(default_factory=dict)
    campaigns: tuple[CampaignPlan, ...] = ()
    offers: Mapping[str, Offer] = field(default_factory=dict)
    personas_of_group: Mapping[str, tuple[Persona, ...]] = field(default_factory=dict)
    personas_of_member: Mapping[str, tuple[Persona, ...]] = field(default_factory=dict)
    groups_of_estate: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    #: Everybody's under "".
    offers_of_dealer: Mapping[str, tuple[Offer, ...]] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        estates: Iterable[Estate] = (),
        dealers: Iterable[Dealer] = (),
        stores: Iterable[Store] = (),
        groups: Iterable[Group] = (),
        personas: Iterable[Persona] = (),
        campaigns: Iterable[CampaignPlan] = (),
        offers: Iterable[Offer] = (),
        answers: Iterable[Answer] = (),
    ) -> Reference:
        """Index the rows. Everything is ordered by id, so that no answer hangs on the order of a file."""
        personas = sorted(personas, key=lambda p: p.persona_id)
        groups = sorted(groups, key=lambda g: g.group_id)
        offers = list(offers)
        return cls(
            estates={e.estate_id: e for e in estates},
            dealers={d.dealer_id: d for d in dealers},
            stores={s.store_id: s for s in sorted(stores, key=lambda s: s.store_id)},
            groups={g.group_id: g for g in groups},
            personas={p.persona_id: p for p in personas},
            campaigns=tuple(sorted(campaigns, key=lambda c: (c.estate_id, c.stage))),
            offers={o.offer_id: o for o in offers},
            personas_of_group=_by((g, p) for p in personas for g in p.groups),
            personas_of_member=_by((p.member_id, p) for p in personas),
            groups_of_estate=_by((g.estate_id, g) for g in groups if g.estate_id),
            offers_of_dealer=_by((o.dealer_id or "", o) for o in sorted(offers, key=lambda o: o.offer_id)),
            answers={a.answer_id: a for a in sorted(answers, key=lambda a: a.answer_id)},
        )

    def people_of(self, group: Group) -> tuple[Persona, ...]:
        """Who is at work in a group: where several dealers share it, each asks their own people."""
        registered = self.personas_of_group.get(group.group_id, ())
        return tuple(persona for persona in registered if persona.dealer_id == group.dealer_id)


def _by(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    out: dict[str, list[T]] = {}
    for key, value in pairs:
        out.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in out.items()}
