"""One simulated group's orders: the buyers' old ones, small ones on the way, the campaign's own at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from schemas.reference import CampaignPlan
from streams.demo.chatter import Chatter
from streams.demo.residents import Resident
from streams.demo.wire import DAY, HOUR, MINUTE, ORDERS, Data, Wire


@dataclass(frozen=True, slots=True)
class Ware:
    """What can be ordered: category, as playbooks name it, sku, least and most price in yuan."""

    category: str
    sku: str
    least: int
    most: int


_TRAFFIC = (
    Ware("water_filter", "sim-water-filter", 899, 1_999), Ware("clothes_rack", "sim-clothes-rack", 399, 899),
    Ware("curtain", "sim-curtain", 600, 2_400),
)
_WHOLE_HOUSE = Ware("whole_house", "sim-whole-house", 23_000, 68_000)
_PARTS = (
    Ware("wardrobe", "sim-wardrobe", 9_800, 24_000), Ware("kitchen", "sim-kitchen", 12_000, 26_000),
    Ware("wooden_door", "sim-wooden-door", 4_800, 12_000),
)
_REGULAR = (_WHOLE_HOUSE, _WHOLE_HOUSE, *_PARTS)
#: Shares of the campaign's orders that come so far, and that end so.
_DEPOSIT, _PAID, _CANCELLED, _REFUNDED = 0.85, 0.55, 0.08, 0.06


class Shoppers:
    """The orders of a group; days must be asked for in order, each once."""

    def __init__(self, chatter: Chatter, wire: Wire, campaign: CampaignPlan | None, start_ms: int) -> None:
        self.chatter, self.wire, self.group = chatter, wire, chatter.group
        self.rng = Random(f"{wire.seed}/{self.group.group_id}/orders")
        target = (campaign.target_orders if campaign else None) or 6
        self.shared = max(1, round(target * self.rng.uniform(0.6, 1.3)))
        self._count = 0
        buyers = {persona.member_id for persona in chatter.census.buyers}
        for resident in chatter.residents:
            if resident.member_id in buyers:
                self._long_delivered(resident, start_ms)

    def day(self, day: int, midnight_ms: int) -> None:
        """Put the orders of the campaign's day on the wire."""
        rng = self.rng
        if 4 <= day <= 12 and rng.random() < 0.5:
            self._order(midnight_ms + rng.randint(19 * HOUR, 22 * HOUR), "traffic", rng.choice(_TRAFFIC))
        share = {8: 0.1, 9: 0.25, 10: 0.3, 11: 0.35}.get(day, 0.0)
        for _ in range(int(self.shared * share + rng.random()) if share else 0):
            hours = rng.choice((10, 11, 14, 15, 16, 19, 20, 20, 21))
            self._order(midnight_ms + hours * HOUR + rng.randrange(HOUR), "regular", rng.choice(_REGULAR))

    def _order(self, at_ms: int, line: str, ware: Ware) -> None:
        rng = self.rng
        who = self.chatter.someone(rng, at_ms)
        if who is None:
            return
        more: Data = {"referrer_id": self._referrer(who, at_ms)} if rng.random() < 0.2 else {}
        if line == "regular" and rng.random() < 0.4:
            more["group_buy_id"] = f"gb-{self.group.group_id}-{self.chatter.day(at_ms)}"
        order, fen = self._placed(at_ms, who, line, [ware], more)
        if line == "traffic":
            self._paid_at_once(order, at_ms, fen)
        else:
            self._runs(order, at_ms, fen)

    def _runs(self, order: str, at_ms: int, fen: int) -> None:
        """A large order: deposit, the rest later; a few are cancelled or refunded."""
        rng = self.rng
        if rng.random() < _CANCELLED:
            self._step("cancelled", order, at_ms + rng.randint(1, 20) * HOUR, note="再考虑一下")
            return
        if rng.random() >= _DEPOSIT:
            return
        at_ms += rng.randint(2, 50) * MINUTE
        self._step("deposit-paid", order, at_ms, amount_fen=fen // 10)
        if rng.random() < _PAID:
            at_ms += rng.randint(3, 30) * HOUR
            self._step("paid", order, at_ms, amount_fen=fen)
            if rng.random() < _REFUNDED / _PAID:
                self._step("refunded", order, at_ms + rng.randint(5, 40) * HOUR, amount_fen=fen, note="户型改动，取消")

    def _paid_at_once(self, order: str, at_ms: int, fen: int) -> None:
        self._step("paid", order, at_ms + MINUTE, amount_fen=fen)
        self._step("delivered", order, at_ms + self.rng.randint(30, 60) * HOUR)

    def _long_delivered(self, resident: Resident, start_ms: int) -> None:
        """The order that a buyer persona's testimony rests on: placed months before, delivered days before."""
        rng = self.rng
        at_ms = start_ms - rng.randint(60, 100) * DAY
        wares = [_WHOLE_HOUSE, *rng.sample(_PARTS, 2)]
        order, fen = self._placed(at_ms, resident, "regular", wares, {})
        self._step("deposit-paid", order, at_ms + HOUR, amount_fen=fen // 10)
        self._step("paid", order, at_ms + 5 * DAY, amount_fen=fen)
        delivered = start_ms - rng.randint(9, 30) * DAY
        self._step("delivered", order, delivered)
        for step in range(1, 6):
            self._step("install-checked", order, delivered + step * DAY, step=step, passed=True)
        self._step("installed", order, delivered + 6 * DAY)

    def _placed(
        self, at_ms: int, who: Resident, line: str, wares: Sequence[Ware], more: Data
    ) -> tuple[str, int]:
        self._count += 1
        order = f"o-{self.group.group_id}-{self._count:03d}"
        prices = [self.rng.randrange(ware.least, ware.most) * 100 for ware in wares]
        items = [
            {"sku": ware.sku, "category": ware.category, "line": line, "quantity": 1, "unit_price_fen": price}
            for ware, price in zip(wares, prices, strict=True)
        ]
        fen = sum(prices)
        data: Data = {
            "order_id": order, "member_id": who.member_id, "group_id": self.group.group_id,
            "items": items, "amount_fen": fen, **more,
        }
        if self.group.dealer_id:
            data["dealer_id"] = self.group.dealer_id
        if who.estate:
            home = who.home
            data["delivery"] = {"address": f"{who.estate.city}{who.estate.district}{who.estate.name}"
                                           f"{home['b']}号楼{home['u']}单元{home['room']}"}
        self.wire.send(at_ms, ORDERS, "loupan.order.placed.v1", data, order, "placed")
        return order, fen

    def _step(self, what: str, order: str, at_ms: int, **data: object) -> None:
        cause = (order, what, str(data.get("step", "")))
        self.wire.send(at_ms, ORDERS, f"loupan.order.{what}.v1", {"order_id": order, **data}, *cause)

    def _referrer(self, who: Resident, at_ms: int) -> str:
        other = self.chatter.someone(self.rng, at_ms)
        return (other or who).member_id
