"""Which offer an order goes by, and what it makes of the price. Offers are data: the playbook's and the dealer's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from agents.turn import Turn
from schemas.events import OrderPlacedData
from schemas.offer_terms import WHOLE, Deal, Rebate
from schemas.reference import Offer


class Terms(Struct, frozen=True):
    """An offer with figures: `category` is that of the goods it is about, empty for all."""

    name: str
    category: str
    deal: Deal


def terms_for(turn: Turn, dealer_id: str | None) -> list[Terms]:
    """The offers with figures that hold for a dealer, by name.

    Over the playbook's stand everybody's of offers.yaml, over those the dealer's own: as a whole, words and figures.
    """
    found: dict[str, Terms | None] = {
        name: Terms(name, "", deal) if (deal := text.deal) is not None else None
        for name, text in turn.play.playbook.offers.items()}
    reference = turn.world.reference
    for whose in ("", dealer_id) if dealer_id else ("",):
        for offer in reference.offers_of_dealer.get(whose, ()):
            found[_name(offer)] = None if offer.deal is None else Terms(_name(offer), offer.category, offer.deal)
    return [found[name] for name in sorted(found) if found[name] is not None]  # type: ignore[misc]  # None is out


def _name(offer: Offer) -> str:
    return offer.offer_id.partition("@")[0]


def of_group_buy(group_buy_id: str, offers: list[Terms]) -> Terms | None:
    """The offer that a group-buy runs by: the one that names it, that it is called after, or the only one with steps.

    `tg-0306` is named by an offer whose `group_buys` has it or `tg-*`; `group_bargain:0306` is called after
    `group_bargain`. Where one offer alone has steps, an order that says no more than to be one of a group means it.
    """
    named = [one for one in offers if one.deal.takes(group_buy_id)]
    called = [one for one in offers if _is_called_after(group_buy_id, one.name)]
    stepped = [one for one in offers if one.deal.steps]
    if named or called:
        return (named or called)[0]
    return stepped[0] if len(stepped) == 1 else None


def _is_called_after(group_buy_id: str, name: str) -> bool:
    return group_buy_id == name or (group_buy_id.startswith(name) and group_buy_id[len(name)] in ":-/@")


def rebate_of(data: OrderPlacedData, offers: list[Terms], joined: Terms | None) -> Rebate | None:
    """What is due to who brought the buyer: by the order's own offer, else by one for its goods, else by any."""
    goods = {item.category for item in data.items}
    ranked: Iterator[Terms | None] = iter((
        joined, *(one for one in offers if one.category in goods), *(one for one in offers if not one.category)))
    return next((one.deal.rebate for one in ranked if one is not None and one.deal.rebate is not None), None)


def base_of(data: OrderPlacedData, category: str) -> int:
    """The list price of the goods that an offer is about, in fen."""
    return sum(
        item.quantity * item.unit_price_fen for item in data.items if not category or item.category == category)


def own_price(deal: Deal, ever: int, day: date, tiers: tuple[str, ...]) -> int:
    """The best price that an order has by itself: by how many came before it, on which day, and by whose it is."""
    prices = [
        one.permille for one in deal.early
        if (one.first is not None and ever < one.first) or (one.until is not None and day.isoformat() <= one.until)
    ]
    prices += [permille for tier, permille in deal.tiers if tier in tiers]
    return min(prices, default=WHOLE)
