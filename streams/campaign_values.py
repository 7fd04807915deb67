"""Whether every script of every planned campaign can be filled: asked at load, never found out in a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from agents.script_grammar import ONLY_IN_DESIGN, needed, offer_of
from agents.scripts import missing, offers_for, store_of, stores_by_dealer, values_for
from schemas.errors import BadReference
from schemas.playbook import OfferText, Playbook, ScriptText
from schemas.reference import CampaignPlan, Dealer, Group, Offer, Reference, Store

#: Makes the error at a campaign's line, from what is wrong and the remedy.
Bad = Callable[[str, str], BadReference]

#: Known only when a task is made: every persona has a name, every member is called something.
_LATER: Final = ONLY_IN_DESIGN | {
    "persona.name", "persona.title", "member.name", "member.when", "neighbour.name", "campaign.day"}

_WHERE: Final = {
    "estate": "estates.csv", "group": "groups.csv", "store": "stores.csv", "dealer": "dealers.csv",
    "offer": "offers.yaml, or in offers: of the playbook",
}


def check_values(
    reference: Reference, playbooks: Mapping[str, Playbook], campaigns: Iterable[tuple[CampaignPlan, Bad]]
) -> None:
    """Refuse a campaign for whose groups some script could not be filled.

    A campaign whose estate has no group yet is fine: groups may be placed later.

    Raises:
        BadReference: at the campaign's line.
    """
    asked = _Asked(reference, playbooks)
    for plan, bad in campaigns:
        for group in reference.groups_of_estate.get(plan.estate_id, ()):
            asked.check(plan, group, bad)


class _Asked:
    """What was put together once per playbook and dealer, for many campaigns."""

    def __init__(self, reference: Reference, playbooks: Mapping[str, Playbook]) -> None:
        self._reference, self._playbooks = reference, playbooks
        self._variants = {
            (made.base, made.base_edition, made.dealer_id): playbook
            for playbook in playbooks.values() if (made := playbook.derived) is not None and made.dealer_id is not None
        }
        self._first = stores_by_dealer(reference.stores.values())
        self._required: dict[tuple[str, int], frozenset[str]] = {}
        self._offers: dict[tuple[str, str], dict[str, Offer | OfferText]] = {}

    def check(self, plan: CampaignPlan, group: Group, bad: Bad) -> None:
        """Refuse the campaign if something that its playbook says of this group has no value."""
        if group.dealer_id is None:
            what = f"the group {group.group_id} of estate {plan.estate_id} has no dealer"
            raise bad(what, "fill in dealer_id in groups.csv")
        estate, dealer = self._reference.estates[plan.estate_id], self._reference.dealers[group.dealer_id]
        store = store_of(group, self._reference.stores, self._first)
        playbook = self._playbook_of(plan, dealer)
        values = values_for(estate, group, store, dealer, None, self._offers_of(playbook, dealer), 1)
        without = missing(self._required_of(playbook, plan.stage), values)
        if without:
            raise bad(*_said(without[0], plan, group, store, dealer))

    def _playbook_of(self, plan: CampaignPlan, dealer: Dealer) -> Playbook:
        """The plan's playbook, or what the dealer's own patch makes of it."""
        playbook = self._playbooks[plan.playbook]
        return self._variants.get((playbook.playbook, playbook.edition, dealer.dealer_id), playbook)

    def _required_of(self, playbook: Playbook, stage: int) -> frozenset[str]:
        key = playbook.playbook, stage
        if key not in self._required:
            names = (name for number in followed(playbook, stage) for name in required_of(playbook, number))
            self._required[key] = frozenset(names) - _LATER
        return self._required[key]

    def _offers_of(self, playbook: Playbook, dealer: Dealer) -> dict[str, Offer | OfferText]:
        key = playbook.playbook, dealer.dealer_id
        if key not in self._offers:
            self._offers[key] = offers_for(playbook.offers, self._reference.offers, dealer.dealer_id)
        return self._offers[key]


def _said(name: str, plan: CampaignPlan, group: Group, store: Store | None, dealer: Dealer) -> tuple[str, str]:
    kind = name.partition(".")[0]
    whose = {
        "estate": f"estate {plan.estate_id}", "group": f"group {group.group_id}",
        "store": f"store {store.store_id}" if store else f"dealer {dealer.dealer_id}",
        "dealer": f"dealer {dealer.dealer_id}", "offer": f"dealer {dealer.dealer_id}",
    }[kind]
    offer = offer_of(name)
    what = f"{name} is empty for {whose}" if offer is None else f"{whose} has no {name}"
    return f"{what}, and the playbook {plan.playbook} shows it", f"fill it in, in {_WHERE[kind]}"


def followed(playbook: Playbook, stage: int) -> Iterator[int]:
    """The stage, and those that follow it by themselves."""
    while (plan := playbook.stage(stage)) is not None:
        yield stage
        if plan.next != "auto":
            return
        stage += 1


def required_of(playbook: Playbook, stage: int) -> frozenset[str]:
    """The names that must have a value for every script of a stage to be filled, its reactions included."""
    return frozenset(name for script in _scripts(playbook, stage) for text in _texts(script) for name in needed(text))


def _texts(script: ScriptText) -> tuple[str, ...]:
    return (script.text, *script.attachments)


def _scripts(playbook: Playbook, number: int) -> Iterator[ScriptText]:
    stage = playbook.stage(number)
    for phase in stage.phases if stage is not None else ():
        for duty in (*(duty for day in phase.plan.values() for duty in day), *phase.rescue):
            yield duty.script
            if duty.instead is not None:
                yield duty.instead
            for reply in duty.replies:
                yield reply.script
    for reaction in playbook.reactions:
        yield reaction.script
    for said in playbook.said():
        yield said.script
