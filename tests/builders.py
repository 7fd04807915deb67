"""Builders: a valid event, reference row or playbook from the few words that a test is about.

Every event builder returns one CloudEvent as JSON bytes. Its id is derived from all that it says, so the same
call gives the same bytes, and two calls that must be two events differ in a word, a time or `id`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from schemas.ids import derived_id
from schemas.playbook import Playbook
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Offer, Persona, Reference, Store
from schemas.values import GroupKind, PersonaClass, Role

#: Day 1 of the campaigns in tests (a Monday), and the usual time of an event.
DAY_1 = "2026-03-02"
AT = f"{DAY_1}T08:00:00+08:00"
GROUPS, ORDERS, TASKS, HQ = "wecom", "orders", "dealer-app", "hq"


def at(day: int, clock: str = "08:00:00") -> str:
    """The time of a campaign's day: ``at(1, "07:30")`` is half past seven on day 1 in Shanghai."""
    clock = clock if clock.count(":") == 2 else f"{clock}:00"
    return f"{date.fromisoformat(DAY_1) + timedelta(days=day - 1)}T{clock}+08:00"


def day_of(day: int) -> str:
    """The date of a campaign's day."""
    return at(day)[:10]


# --- events ---------------------------------------------------------------------------------------


def event(
    type: str, data: dict[str, Any], *, at: str = AT, source: str = GROUPS, id: str | None = None, **envelope: Any
) -> bytes:
    """A CloudEvent of any type, right or wrong; the envelope's other fields by name."""
    body = {"specversion": "1.0", "id": id, "source": source, "type": type, "time": at, **envelope, "data": data}
    if id is None:
        said = msgspec.json.encode({**body, "id": ""}, order="sorted").decode()
        body["id"] = derived_id(datetime.fromisoformat(at), said)
    return msgspec.json.encode(body)


def event_id(raw: bytes) -> str:
    """The id of an event that a builder made."""
    return str(msgspec.json.decode(raw)["id"])


def event_ref(raw: bytes) -> str:
    """The event's name in a task's `because`: ``source#id``."""
    body = msgspec.json.decode(raw)
    return f"{body['source']}#{body['id']}"


def message(
    group: str = "g1",
    member: str = "m1",
    text: str | None = "大家好",
    at: str = AT,
    *,
    kind: str = "text",
    message_id: str | None = None,
    id: str | None = None,
    source: str = GROUPS,
    **data: Any,
) -> bytes:
    """A message; `data` takes location, mentions, reply_to, link.

    Without `message_id` it is ``m-`` and the event's id.
    """
    body = {"group_id": group, "message_id": message_id, "member_id": member, "kind": kind, "text": text, **data}
    body = {name: value for name, value in body.items() if value is not None}
    if message_id is None:
        known = id or event_id(event("loupan.group.message.v1", body, at=at, source=source))
        body["message_id"] = f"m-{known}"
        id = known
    return event("loupan.group.message.v1", body, at=at, source=source, id=id)


def location(lng: float = 116.404, lat: float = 39.915, crs: str = "gcj02", **said: str) -> dict[str, Any]:
    """A shared point, as a message's or a delivery's `location`; `said` takes label and address."""
    return {"lng": lng, "lat": lat, "crs": crs, **said}


def joined(group: str = "g1", member: str = "m1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """Somebody joined; `data` takes display_name, join_state, join_scene, invited_by."""
    return event("loupan.group.member-joined.v1", {"group_id": group, "member_id": member, **data}, at=at, id=id)


def left(group: str = "g1", member: str = "m1", at: str = AT, *, id: str | None = None) -> bytes:
    """Somebody left."""
    return event("loupan.group.member-left.v1", {"group_id": group, "member_id": member}, at=at, id=id)


def recalled(group: str = "g1", message_id: str = "msg-1", at: str = AT, *, id: str | None = None) -> bytes:
    """A message was recalled."""
    return event("loupan.group.message-recalled.v1", {"group_id": group, "message_id": message_id}, at=at, id=id)


def group_updated(group: str = "g1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """A group changed; `data` takes name, owner_id, notice, estate_id, open."""
    return event("loupan.group.updated.v1", {"group_id": group, **data}, at=at, id=id)


def home_declared(member: str = "m1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """A member declared a home; `data` takes group_id, estate_id, estate_name, address, location."""
    return event("loupan.member.home-declared.v1", {"member_id": member, **data}, at=at, id=id)


def consent(
    member: str = "m1", scope: str = "profiling", granted: bool = False, at: str = AT, *, id: str | None = None
) -> bytes:
    """A member's consent changed; taken back unless told otherwise."""
    data = {"member_id": member, "scope": scope, "granted": granted}
    return event("loupan.member.consent.v1", data, at=at, id=id)


def erased(member: str = "m1", at: str = AT, *, id: str | None = None) -> bytes:
    """A member asked to be erased."""
    return event("loupan.member.erased.v1", {"member_id": member}, at=at, id=id)


def item(
    category: str = "全屋定制", line: str = "regular", quantity: int = 1, unit_price_fen: int = 3_000_000,
    sku: str = "sku-1",
) -> dict[str, Any]:
    """A line of an order."""
    return {
        "sku": sku, "category": category, "line": line, "quantity": quantity, "unit_price_fen": unit_price_fen,
    }


def order_placed(
    order: str = "o1",
    member: str | None = "m1",
    group: str | None = "g1",
    at: str = AT,
    *,
    items: list[dict[str, Any]] | None = None,
    dealer: str | None = "d1",
    id: str | None = None,
    **data: Any,
) -> bytes:
    """An order of one item; `data` takes delivery, referrer_id, group_buy_id, amount_fen."""
    items = [item()] if items is None else items
    amount = sum(line["quantity"] * line["unit_price_fen"] for line in items)
    body = {
        "order_id": order, "items": items, "amount_fen": amount,
        "member_id": member, "group_id": group, "dealer_id": dealer, **data,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return event("loupan.order.placed.v1", body, at=at, source=ORDERS, id=id)


def deposit_paid(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The deposit was paid."""
    return _order("deposit-paid", order, at, id, data)


def paid(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The order was paid in full."""
    return _order("paid", order, at, id, data)


def cancelled(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The order was cancelled."""
    return _order("cancelled", order, at, id, data)


def refunded(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The order was refunded."""
    return _order("refunded", order, at, id, data)


def rebate_paid(
    order: str = "o1", at: str = AT, *, amount_fen: int = 2_000, id: str | None = None, **data: Any
) -> bytes:
    """So much of the rebate was paid to who brought the buyer."""
    return _order("rebate-paid", order, at, id, {"amount_fen": amount_fen, **data})


def delivered(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The order was delivered."""
    return _order("delivered", order, at, id, data)


def installed(order: str = "o1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """The order was installed."""
    return _order("installed", order, at, id, data)


def install_checked(
    order: str = "o1", step: int = 1, passed: bool = True, at: str = AT, *, id: str | None = None, **data: Any
) -> bytes:
    """One of the five install checks."""
    return _order("install-checked", order, at, id, {"step": step, "passed": passed, **data})


def _order(what: str, order: str, at: str, id: str | None, data: dict[str, Any]) -> bytes:
    return event(f"loupan.order.{what}.v1", {"order_id": order, **data}, at=at, source=ORDERS, id=id)


def order_consented(
    order: str = "o1", member: str = "m1", use: str = "photos", granted: bool = True, at: str = AT, *,
    id: str | None = None,
) -> bytes:
    """The buyer agrees to a use of what was built for them, or agrees no more."""
    return _order("consented", order, at, id, {"member_id": member, "use": use, "granted": granted})


def design_drafted(
    design: str = "ds1", member: str | None = "m1", at: str = AT, *, kind: str = "personal", id: str | None = None,
    **data: Any,
) -> bytes:
    """A plan was drawn, a personal one of a member in `g1`; `data` takes title, link, unit_type, order_id, group_id."""
    body = {
        "design_id": design, "kind": kind, "title": "89平三室的方案", "group_id": "g1", "member_id": member,
        "unit_type": "89平三室", **data,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return event("loupan.design.drafted.v1", body, at=at, source="design-desk", id=id)


def design_consented(
    design: str = "ds1", member: str = "m1", granted: bool = True, at: str = AT, *, id: str | None = None
) -> bytes:
    """The owner of a plan agrees that it is shown, or agrees no more."""
    body = {"design_id": design, "member_id": member, "granted": granted}
    return event("loupan.design.consented.v1", body, at=at, source="design-desk", id=id)


def task_claimed(task: str, at: str = AT, *, persona: str | None = "p-main", id: str | None = None) -> bytes:
    """Somebody took a task."""
    return _task("claimed", at, id, {"task_id": task, "persona_id": persona})


def task_done(
    task: str, at: str = AT, *, persona: str | None = "p-main", message_id: str | None = None, id: str | None = None
) -> bytes:
    """Somebody says that a task is done."""
    return _task("done", at, id, {"task_id": task, "persona_id": persona, "message_id": message_id})


def task_skipped(
    task: str, reason: str = "群里正在吵物业费，不合适", at: str = AT, *, persona: str | None = "p-main",
    id: str | None = None,
) -> bytes:
    """Somebody will not do a task."""
    return _task("skipped", at, id, {"task_id": task, "reason": reason, "persona_id": persona})


def _task(what: str, at: str, id: str | None, data: dict[str, Any]) -> bytes:
    data = {name: value for name, value in data.items() if value is not None}
    return event(f"loupan.task.{what}.v1", data, at=at, source=TASKS, id=id)


def campaign_started(
    estate: str = "e1",
    at: str = f"{DAY_1}T06:00:00+08:00",
    *,
    playbook: str = "small-test",
    start_date: str = DAY_1,
    stage: int = 1,
    target_orders: int | None = None,
    id: str | None = None,
) -> bytes:
    """A campaign was started on an estate, on day 1 before the first task."""
    data: dict[str, Any] = {"estate_id": estate, "playbook": playbook, "stage": stage, "start_date": start_date}
    if target_orders is not None:
        data["target_orders"] = target_orders
    return event("loupan.campaign.started.v1", data, at=at, source=HQ, id=id)


def campaign_paused(estate: str = "e1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """A campaign was paused; `data` takes reason."""
    return event("loupan.campaign.paused.v1", {"estate_id": estate, **data}, at=at, source=HQ, id=id)


def campaign_resumed(estate: str = "e1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """A campaign goes on."""
    return event("loupan.campaign.resumed.v1", {"estate_id": estate, **data}, at=at, source=HQ, id=id)


def campaign_ended(estate: str = "e1", at: str = AT, *, id: str | None = None, **data: Any) -> bytes:
    """A campaign was ended."""
    return event("loupan.campaign.ended.v1", {"estate_id": estate, **data}, at=at, source=HQ, id=id)


def persona_away(
    persona: str = "p-main", first: int = 1, last: int = 1, at: str = AT, *, id: str | None = None, **data: Any
) -> bytes:
    """A persona is away from one day of the campaign to another; `data` takes reason, from and until as they are."""
    body = {"persona_id": persona, "from": day_of(first), "until": day_of(last), **data}
    return event("loupan.persona.away.v1", body, at=at, source="hr", id=id)


def persona_back(persona: str = "p-main", at: str = AT, *, id: str | None = None) -> bytes:
    """A persona is back."""
    return event("loupan.persona.back.v1", {"persona_id": persona}, at=at, source="hr", id=id)


def woke(estate: str = "e1", due: str = AT, *, id: str | None = None) -> bytes:
    """The clock's wake-up, as it stands in the `estate-events` log."""
    return event("loupan.clock.woke.v1", {"estate_id": estate, "due": due}, at=due, source="loupan", id=id)


# --- reference data -------------------------------------------------------------------------------


def estate(estate_id: str = "e1", name: str = "绿地城", **columns: Any) -> Estate:
    """An estate in Beijing's middle, in WGS-84; 400 households of 2025."""
    row = {
        "lng": 116.4, "lat": 39.9, "crs": "wgs84", "households": 400, "city": "北京", "district": "东城区",
        "build_year": 2025, **columns,
    }
    return Estate(estate_id=estate_id, name=name, **row)


def dealer(dealer_id: str = "d1", name: str = "木语家居（测试）", city: str = "北京") -> Dealer:
    """A dealer."""
    return Dealer(dealer_id, name, city)


def store(store_id: str = "s1", dealer_id: str = "d1", name: str = "木语全屋定制·测试店", **columns: Any) -> Store:
    """A store near the estate `e1`."""
    row = {"lng": 116.41, "lat": 39.905, "crs": "wgs84", "staff": 6, **columns}
    return Store(store_id=store_id, dealer_id=dealer_id, name=name, **row)


def group(group_id: str = "g1", estate_id: str | None = "e1", **columns: Any) -> Group:
    """An own, open group, bound to `e1`."""
    row = {
        "name": "绿地城业主交流群", "kind": GroupKind.OWN, "dealer_id": "d1", "store_id": "s1",
        "owner_id": "m-main", "open": True, **columns,
    }
    return Group(group_id=group_id, estate_id=estate_id, **row)


def persona(
    persona_id: str = "p-main",
    role: Role = Role.MAIN_PERSONA,
    cls: PersonaClass = PersonaClass.STAFF,
    groups: tuple[str, ...] = ("g1",),
    **columns: Any,
) -> Persona:
    """A registered person; `p-main` has the account `m-main`, and so on."""
    row = {"name": "林晚", "member_id": persona_id.replace("p-", "m-", 1), "dealer_id": "d1", **columns}
    return Persona(persona_id=persona_id, role=role, cls=cls, groups=groups, **row)


def staff(groups: tuple[str, ...] = ("g1",)) -> list[Persona]:
    """A full staff: main persona, customer service, designer, group admin, one staff shill and one buyer."""
    return [
        persona("p-main", Role.MAIN_PERSONA, groups=groups, name="林晚"),
        persona("p-service", Role.CUSTOMER_SERVICE, groups=groups, name="周晴"),
        persona("p-designer", Role.DESIGNER, groups=groups, name="沈默"),
        persona("p-admin", Role.GROUP_ADMIN, groups=groups, name="陈可"),
        persona("p-shill", Role.SHILL, groups=groups, name="何苗"),
        persona("p-buyer", Role.SHILL, PersonaClass.BUYER, groups=groups, name="许姐"),
    ]


def campaign(estate_id: str = "e1", **columns: Any) -> CampaignPlan:
    """A campaign's row: stage 1 of the small playbook, from day 1."""
    row = {"playbook": "small-test", "stage": 1, "start_date": DAY_1, "target_orders": 3, **columns}
    return CampaignPlan(estate_id=estate_id, **row)


def offer(offer_id: str = "measure", name: str = "免费量房", **columns: Any) -> Offer:
    """An offer of the dealer `d1`."""
    row = {"terms": "预约后三天内上门，不满意不收费", "dealer_id": "d1", "category": "全屋定制", **columns}
    return Offer(offer_id=offer_id, name=name, **row)


def reference(**rows: Any) -> Reference:
    """A small world: one estate, dealer, store and group with a full staff and no campaign; `rows` replace."""
    whole: dict[str, Any] = {
        "estates": [estate()], "dealers": [dealer()], "stores": [store()], "groups": [group()], "personas": staff(),
        **rows,
    }
    return Reference.of(**whole)


# --- a playbook -----------------------------------------------------------------------------------

_WINDOWS = {"morning": "07:30-09:30", "noon": "11:30-13:00", "evening": "17:30-21:00", "night": "22:00-22:30"}
_PHASES = (("warm_up", 3, 4), ("trust", 3, 4), ("value", 2, 3), ("sign_up", 2, 2), ("closing", 1, 1))


def script(text: str, speaks_as: str = "staff", **fields: Any) -> dict[str, Any]:
    """A script as a playbook's YAML has it."""
    return {"version": 1, "speaks_as": speaks_as, "text": text, "formula": ["trust"], "drives": ["place"], **fields}


def playbook_data(**fields: Any) -> dict[str, Any]:
    """The small playbook as plain data, for tests that break one part of it; `fields` replace whole parts."""
    return {
        "playbook": "small-test", "version": 1, "title": "测试打法", "category": "全屋定制",
        "for": {"estate": "new", "group": "own"},
        "windows": _WINDOWS, "curfew": "23:00-07:00",
        "limits": {"shills_per_100": 8, "posts_per_day": 4},
        "ladder": [
            {"rung": "onlooker", "by": ["reacted"]},
            {"rung": "participant", "by": ["spoke"]},
            {"rung": "interested", "by": ["asks_price", "asks_product", "asks_design"]},
            {"rung": "prospective_buyer", "by": ["signs_up", "agrees_to_visit"]},
            {"rung": "buyer", "by": ["order_paid"]},
        ],
        "offers": {"measure": {"name": "免费量房", "terms": "预约后三天内上门"}},
        "stages": [{"stage": 1, "phases": [_phase(*phase) for phase in _PHASES]}],
        "reactions": [
            {
                "id": "welcome", "on": "joined", "role": "group_admin", "action": "welcome", "a_day": 3,
                "script": script("欢迎{{ member.name }}来到{{ group.name }}"),
            },
            {
                "id": "answer-price", "on": "asks_price", "role": "customer_service",
                "script": script("{{ member.name }}您好，价格看户型，{{ store.name }}可以先免费量房"),
            },
        ],
        **fields,
    }


def playbook(**fields: Any) -> Playbook:
    """The small playbook `small-test`: 3 + 3 + 2 + 2 + 1 days, two duties a day, two reactions."""
    return Playbook.model_validate(playbook_data(**fields))


def _phase(phase: str, days: int, longest: int) -> dict[str, Any]:
    name = phase.replace("_", "-")
    return {
        "phase": phase, "days": days, "longest": longest, "aim": f"the aim of {phase}",
        "gate": {"participants": 2}, "plan": {day: _duties(name, day) for day in range(1, days + 1)},
        "rescue": [_duty(f"{name}-rescue", "19:00", "main_persona", script("今天想听听{{ estate.name }}大家的想法"))]
        if longest > days else [],
    }


def _duties(name: str, day: int) -> list[dict[str, Any]]:
    testimony = script("我家柜子就在这家店做的，有问题可以问我", "buyer", testimonial="全屋定制")
    asking = script("装过的邻居愿意说说自己的感受吗？好的坏的都可以")
    return [
        _duty(f"{name}-{day}-morning", "07:30", "main_persona", script(f"早，{{{{ estate.name }}}}的第{day}个早晨")),
        {**_duty(f"{name}-{day}-evening", "19:30", "shill", testimony), "instead": asking},
    ]


def _duty(id: str, clock: str, role: str, words: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "at": clock, "role": role, "script": words}
