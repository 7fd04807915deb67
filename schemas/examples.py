"""One example of every event that comes in: one estate's first weeks, told in the order of time.

The estate, the people and the shop are made up.
"""

from __future__ import annotations

from typing import Any

_GROUP, _ESTATE, _DEALER = "wr-yunxi-1", "lp-yunxi", "dl-hexi"
_OWNER, _NEIGHBOUR = "wm-zhao", "wm-lin"
_ORDER, _OTHER_ORDER = "so-20260311-017", "so-20260311-018"


def _event(type: str, source: str, id: str, time: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": type,
        "source": source,
        "id": id,
        "time": time,
        "subject": subject,
        "datacontenttype": "application/json",
        "data": data,
    }


def _group(name: str, id: str, time: str, data: dict[str, Any], subject: str = _GROUP) -> dict[str, Any]:
    return _event(f"loupan.{name}.v1", "wecom/he-xi", id, time, subject, data)


def _order(name: str, id: str, time: str, data: dict[str, Any], order: str = _ORDER) -> dict[str, Any]:
    return _event(f"loupan.order.{name}.v1", "orders/he-xi", id, time, order, {"order_id": order, **data})


def _task(name: str, id: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    task = "019cad13-8dc0-8a41-9c07-52e0f7a1b3d6"
    return _event(f"loupan.task.{name}.v1", "dealer-app", id, time, task, {"task_id": task, **data})


def _command(name: str, id: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    data = {"estate_id": _ESTATE, **data}
    return _event(f"loupan.campaign.{name}.v1", "hq", id, time, _ESTATE, data)


def _persona(name: str, id: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    return _event(f"loupan.persona.{name}.v1", "hr/he-xi", id, time, "ps-chen", {"persona_id": "ps-chen", **data})


def _design(name: str, id: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    data = {"design_id": "ds-0042", **data}
    return _event(f"loupan.design.{name}.v1", "design-desk", id, time, "ds-0042", data)


_TOLD = (
    _command("started", "cmd-0001", "2026-02-28T10:00:00+08:00", {
        "playbook": "new-estate-own-group", "stage": 1, "start_date": "2026-03-02", "target_orders": 12,
    }),
    _group("group.updated", "gu-0001", "2026-03-01T19:20:11+08:00", {
        "group_id": _GROUP, "name": "云栖里业主装修交流群", "owner_id": "wm-chen", "estate_id": _ESTATE, "open": True,
    }),
    _group("group.member-joined", "gj-0042", "2026-03-02T07:41:05+08:00", {
        "group_id": _GROUP, "member_id": _OWNER, "display_name": "3-2-1201 小赵",
        "join_state": "lp-yunxi-a", "join_scene": 3, "invited_by": "wm-chen",
    }),
    _group("group.message", "gm-0117", "2026-03-02T07:52:30+08:00", {
        "group_id": _GROUP, "message_id": "msg-0117", "member_id": _OWNER, "kind": "text",
        "text": "大家好，我是云栖里3栋的，四月交房，想问下89平的全屋定制大概多少钱？", "mentions": ["wm-chen"],
    }),
    _group("group.message-recalled", "gr-0009", "2026-03-02T08:03:44+08:00", {
        "group_id": _GROUP, "message_id": "msg-0121",
    }),
    _group("member.home-declared", "hd-0003", "2026-03-02T12:10:00+08:00", {
        "member_id": _OWNER, "group_id": _GROUP, "estate_id": _ESTATE, "estate_name": "云栖里",
        "address": "和溪区湖滨路88号云栖里3幢2单元1201室",
        "location": {"lng": 120.130281, "lat": 30.247152, "crs": "gcj02", "label": "云栖里(南门)"},
    }, subject=_OWNER),
    _group("member.consent", "co-0003", "2026-03-02T12:10:02+08:00", {
        "member_id": _OWNER, "scope": "location", "granted": True,
    }, subject=_OWNER),
    _task("claimed", "ta-0201", "2026-03-03T07:32:10+08:00", {"persona_id": "ps-chen"}),
    _task("done", "ta-0202", "2026-03-03T07:46:55+08:00", {"persona_id": "ps-chen", "message_id": "msg-0180"}),
    _task("skipped", "ta-0203", "2026-03-03T17:40:00+08:00", {
        "persona_id": "ps-chen", "reason": "群里正在讨论交房问题，不合适发",
    }),
    _command("paused", "cmd-0002", "2026-03-06T09:00:00+08:00", {"reason": "物业开业主大会，停一天"}),
    _command("resumed", "cmd-0003", "2026-03-07T09:00:00+08:00", {}),
    _persona("away", "pa-0001", "2026-03-08T18:20:00+08:00", {
        "from": "2026-03-09", "until": "2026-03-11", "reason": "外出培训",
    }),
    _persona("back", "pb-0001", "2026-03-10T18:00:00+08:00", {}),
    _design("drafted", "de-0042-1", "2026-03-10T19:10:00+08:00", {
        "kind": "personal", "title": "89㎡三室：餐厅和玄关一体的方案", "group_id": _GROUP, "unit_type": "89㎡三室",
        "member_id": _OWNER, "link": "https://design.example.com/ds-0042",
    }),
    _design("consented", "de-0042-2", "2026-03-10T19:40:00+08:00", {"member_id": _OWNER, "granted": True}),
    _order("placed", "or-0017-1", "2026-03-11T15:26:00+08:00", {
        "member_id": _OWNER, "group_id": _GROUP, "dealer_id": _DEALER, "amount_fen": 3_268_000,
        "items": [
            {
                "sku": "QW-89-A", "category": "whole_house", "line": "regular", "quantity": 1,
                "unit_price_fen": 3_218_000,
            },
            {"sku": "FW-LC", "category": "measuring", "line": "service", "quantity": 1, "unit_price_fen": 50_000},
        ],
        "delivery": {"address": "和溪区湖滨路88号云栖里3幢2单元1201室"},
        "referrer_id": _NEIGHBOUR, "group_buy_id": "tg-0306",
    }),
    _order("deposit-paid", "or-0017-2", "2026-03-11T15:31:12+08:00", {"amount_fen": 500_000}),
    _order("cancelled", "or-0018-3", "2026-03-12T09:00:00+08:00", {
        "note": "客户改了户型方案，重新下单",
    }, order=_OTHER_ORDER),
    _group("group.member-left", "gl-0012", "2026-03-12T21:15:40+08:00", {
        "group_id": _GROUP, "member_id": "wm-wu",
    }),
    _group("member.erased", "er-0001", "2026-03-12T21:30:00+08:00", {"member_id": "wm-wu"}, subject="wm-wu"),
    _command("ended", "cmd-0004", "2026-03-13T09:00:00+08:00", {"reason": "第一阶段收官"}),
    _order("refunded", "or-0018-4", "2026-03-13T16:45:00+08:00", {"amount_fen": 500_000}, order=_OTHER_ORDER),
    _order("paid", "or-0017-3", "2026-03-20T11:05:00+08:00", {"amount_fen": 2_768_000}),
    _order("delivered", "or-0017-4", "2026-04-18T10:20:00+08:00", {"note": "送货上门，12件，外包装完好"}),
    _order("install-checked", "or-0017-5", "2026-04-20T17:30:00+08:00", {
        "step": 1, "passed": True, "note": "安装师傅自检：柜门缝隙均匀，铰链已调",
    }),
    _order("consented", "or-0017-6", "2026-04-20T17:45:00+08:00", {
        "member_id": _OWNER, "use": "photos", "granted": True,
    }),
    _order("installed", "or-0017-7", "2026-04-20T18:00:00+08:00", {}),
    _order("rebate-paid", "or-0017-8", "2026-04-27T10:00:00+08:00", {"amount_fen": 65_360}),
)

#: The examples by event type, as plain values ready for JSON.
EXAMPLES: dict[str, dict[str, Any]] = {event["type"]: event for event in _TOLD}
