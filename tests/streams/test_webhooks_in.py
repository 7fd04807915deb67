"""Webhooks that come in: signed, of now, once; and what is said of all others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook

from streams.tables import webhook_senders
from streams.webhooks import incoming
from tests import builders
from tests.streams.gateway_world import World

MAP = {"order.paid": "loupan.order.paid.v1", "ping": "ignore"}
PAID = {"type": "order.paid", "timestamp": "2026-03-03T10:00:00+08:00", "data": {"order_id": "o-1", "amount_fen": 100}}


class Shop:
    """Somebody who sends webhooks to a gateway."""

    def __init__(self, world: World) -> None:
        self.world = world
        with world.engine.begin() as connection:
            self.secret = incoming.add(connection, "shop", MAP, now=1)

    def send(
        self, body: Any, id: str = "msg-1", *, at: float | None = None, secret: str | None = None, name: str = "shop",
        signature: str | None = None, **headers: str,
    ) -> Any:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        when = int(time.time() if at is None else at)
        made = Webhook(secret or self.secret).sign(id, datetime.fromtimestamp(when, UTC), raw.decode())
        named = {
            "webhook-id": id, "webhook-timestamp": str(when), "webhook-signature": signature or made,
            "Content-Type": "application/json", **headers}
        return self.world.post(f"/v1/hooks/{name}", content=raw, headers=named, who=None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def test_plain_json_becomes_an_event_of_ours_named_by_its_message(world, shop):
    answer = shop.send(PAID)
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()["results"]] == ["accepted"]
    [event] = world.inbox()
    assert event == {
        "specversion": "1.0", "id": "msg-1", "source": "webhook/shop", "type": "loupan.order.paid.v1",
        "time": PAID["timestamp"], "datacontenttype": "application/json", "data": PAID["data"]}


def test_without_data_all_of_it_is_what_it_is_about_and_without_a_time_the_messages_counts(world, shop):
    assert shop.send({"type": "order.paid", "order_id": "o-2", "amount_fen": 5}).status_code == 200
    [event] = world.inbox()
    assert event["data"] == {"order_id": "o-2", "amount_fen": 5}
    assert abs(datetime.fromisoformat(event["time"]).timestamp() - time.time()) < 60


def test_a_message_that_comes_again_is_a_duplicate_for_ever(world, shop):
    shop.send(PAID)
    later = shop.send(PAID, at=time.time() - 200)
    assert later.json()["results"][0]["status"] == "duplicate"
    assert len(world.inbox()) == 1


def test_cloudevents_are_taken_as_they_are_one_or_many(world, shop):
    one, two, three = builders.message(text="一"), builders.message(text="二"), builders.message(text="三")
    assert shop.send(one).status_code == 200
    many = shop.send(b"[" + two + b"," + three + b"," + one + b"]", "msg-2")
    assert [result["status"] for result in many.json()["results"]] == ["accepted", "accepted", "duplicate"]
    assert [event["data"]["text"] for event in world.inbox()] == ["一", "二", "三"]


def test_a_list_of_plain_json_is_numbered_and_what_is_ignored_is_taken_and_dropped(world, shop):
    other = {**PAID, "data": {"order_id": "o-3", "amount_fen": 7}}
    assert shop.send([PAID, {"type": "ping"}, other]).status_code == 200
    assert [event["id"] for event in world.inbox()] == ["msg-1/0", "msg-1/2"]
    assert shop.send({"type": "ping"}, "msg-2").json() == {"results": []}


def said(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["content-type"], answer.json()["detail"]


def test_everything_that_is_not_theirs_is_answered_alike(world, shop):
    now = time.time()
    good = Webhook(shop.secret).sign("msg-1", datetime.fromtimestamp(int(now), UTC), msgspec.json.encode(PAID).decode())
    answers = [
        shop.send(PAID, name="nobody"),
        shop.send(PAID, secret="whsec_" + "A" * 44),
        shop.send({**PAID, "data": {"order_id": "o-1", "amount_fen": 1}}, at=now, signature=good),
        shop.send(PAID, "msg-2", at=now, signature=good),
        shop.send(PAID, at=now - 301), shop.send(PAID, at=now + 302),
        shop.send(PAID, **{"webhook-timestamp": str(int(now) - 4)}),
        shop.send(PAID, **{"webhook-timestamp": "now"}), shop.send(PAID, **{"webhook-timestamp": "nan"}),
        shop.send(PAID, **{"webhook-timestamp": "9" * 4000}), shop.send(PAID, **{"webhook-id": ""}),
        shop.send(PAID, **{"webhook-id": "x" * 300}),
        *[shop.send(PAID, signature=wrong) for wrong in ("v1", "v1,", "v1,!!", "v2,AAAA", "a,b,c", "v1,=", ",", " ")],
        world.post("/v1/hooks/shop", json=PAID, who="hq"),
        world.post("/v1/hooks/shop", content=b"\xff", who=None, headers={
            "webhook-id": "a", "webhook-timestamp": str(int(now)), "webhook-signature": "v1,AAAA"}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({said(answer) for answer in answers}) == 1
    assert answers[0].json()["status"] == 401
    assert world.inbox() == []


@pytest.mark.parametrize(("body", "says"), [
    (b"{", "not JSON"), ([1], "neither a CloudEvent nor an object"), ({"data": {}}, "it has no type"),
    ({"type": "order.lost"}, "no type of ours stands for order.lost"), ({"type": 7}, "it has no type"),
    ({"type": "order.paid", "data": {}}, "missing required field `order_id`"),
    ({"type": "loupan.clock.woke.v1", "data": {}}, "no type of ours stands for loupan.clock.woke.v1"),
    ([{"type": "ping"}] * 3 + [None], "neither a CloudEvent"), (b"[" * 5000, "not JSON"),
])
def test_what_is_signed_and_wrong_is_said(world, shop, body, says):
    answer = shop.send(body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert world.inbox() == []


def test_what_is_refused_is_one_dead_letter_however_often_it_is_sent(world, shop):
    for _ in range(3):
        assert shop.send({"type": "order.paid", "data": {}}).status_code == 400
    assert len(world.get("/v1/dead-letters").json()["dead_letters"]) == 1


def test_it_is_said_in_the_senders_language(shop):
    assert shop.send(PAID, signature="v1,", **{"Accept-Language": "zh-CN"}).json()["detail"].startswith("签名不对")


def test_during_a_rotation_both_secrets_are_taken_and_afterwards_the_new_one(world, shop):
    with world.engine.begin() as connection:
        now = int(time.time() * 1000)
        new = incoming.rotate(connection, "shop", now=now, until=now + 60_000)
    assert shop.send(PAID, "a", secret=shop.secret).status_code == 200
    assert shop.send(PAID, "b", secret=new).status_code == 200
    with world.engine.begin() as connection:
        connection.execute(update(webhook_senders).values(previous_until=1))
    assert shop.send(PAID, "c", secret=shop.secret).status_code == 401
    assert shop.send(PAID, "d", secret=new).status_code == 200


def test_who_is_removed_is_let_in_no_more(world, shop):
    with world.engine.begin() as connection:
        incoming.remove(connection, "shop")
    assert shop.send(PAID).status_code == 401


def test_a_sender_is_asked_to_wait_where_the_inbox_is_not_worked(world, shop):
    world.door.lag = 50_001
    assert shop.send(PAID).status_code == 429
