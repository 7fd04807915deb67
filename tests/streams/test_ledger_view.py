"""The books as people read them: over HTTP, on the command line, in a replay; and what waits for a placement."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents import ledger
from agents.order_rows import ORDER_WAITING, SALES
from schemas.reference import Offer
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.ledger_view import Asked, books, sums, waiting_as_lines
from streams.playbook_files import builtin_playbooks
from streams.replaying import Replay
from streams.worlds import make_world
from tests import builders
from tests.builders import at
from tests.databases import opened
from tests.streams.gateway_world import World, two_dealers
from tests.streams.test_cli import loupan

STREAM = [
    builders.order_placed("o1", "m1", at=at(1, "08:00"), group_buy_id="gb-1", referrer_id="m9"),
    builders.deposit_paid("o1", at=at(1, "08:10"), amount_fen=500_000),
    builders.paid("o1", at=at(1, "08:20"), amount_fen=2_500_000),
    builders.order_placed("o2", "m2", at=at(1, "09:00"), group_buy_id="gb-1"),
    builders.order_placed("o3", "m3", "g2", at=at(1, "09:30"), dealer="d2"),
    builders.refunded("never-placed", at=at(1, "10:00"), amount_fen=1_000, note="王女士"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(Path(tmp_path_factory.mktemp("ledger")), two_dealers())
    door = Door()
    with made.engine.begin() as connection:
        door.accept(connection, STREAM)
    while Pipeline(made.engine, make_world(two_dealers(), builtin_playbooks()), door).work():
        pass
    yield made
    made.close()


def test_the_entries_of_an_estate_are_what_its_balance_is(world: World):
    found = world.get("/v1/ledger?estate_id=e1").json()
    posted: Counter[str] = Counter()
    for entry in found["entries"]:
        assert sum(line["fen"] for line in entry["lines"]) == 0
        posted.update({line["account"]: line["fen"] for line in entry["lines"]})
    assert {name: fen for name, fen in posted.items() if fen} == found["balance"]
    assert found["balance"] == {
        "cash": 3_000_000, "receivable": 2_700_000, "sales": -6_000_000, "discounts": 600_000, "buyer_credit": -300_000}
    assert set(found["balance"]) <= set(ledger.ACCOUNTS)


def test_a_group_buy_shows_its_orders_its_buyers_and_its_step(world: World):
    (group,) = world.get("/v1/ledger?estate_id=e1").json()["group_buys"]
    assert (group["group_buy_id"], group["offer"]) == ("gb-1", "group_bargain")
    assert group["together_now"] == [{"orders": ["o1", "o2"], "buyers": 2, "percent": 90.0}]


def test_an_order_is_found_by_its_id_alone(world: World):
    found = world.get("/v1/ledger?order_id=o1").json()
    (order,) = found["orders"]
    assert (order["state"], order["price_fen"], order["received_fen"]) == ("paid", 2_700_000, 3_000_000)
    assert [entry["rule"] for entry in found["entries"]] == ["placed", "deposit-paid", "paid", "step after placed"]


def test_a_dealer_reads_its_own_orders_and_learns_of_no_others(world: World):
    assert [order["order_id"] for order in world.get("/v1/ledger?order_id=o3", who="other").json()["orders"]] == ["o3"]
    assert world.get("/v1/ledger?order_id=o1", who="other").status_code == 404
    assert world.get("/v1/ledger?estate_id=e1", who="other").status_code == 404
    assert world.get("/v1/ledger", who="own").status_code == 422
    assert [order["order_id"] for order in world.get("/v1/ledger?estate_id=e1", who="own").json()["orders"]] == [
        "o1", "o2"]
    assert world.get("/v1/ledger?order_id=none").status_code == 404


def test_a_refund_of_an_order_that_never_comes_is_listed_with_what_to_do(world: World):
    (line,) = world.get("/v1/ledger").json()["waiting"]
    assert (line["order_id"], line["amount_fen"]) == ("never-placed", 1_000)
    assert "send its loupan.order.placed.v1 first" in line["reason"]


def test_the_timeline_of_an_estate_is_not_full_of_entries(world: World):
    items = world.get("/v1/estates/e1/timeline").json()["items"]
    assert [item for item in items if "ledger" in item["type"]] == []


def test_the_command_shows_the_same(world: World, tmp_path: Path):
    database = str(tmp_path / "loupan.db")
    engine, door = opened(database), Door()
    with engine.begin() as connection:
        door.accept(connection, STREAM)
    while Pipeline(engine, make_world(two_dealers(), builtin_playbooks()), door).work():
        pass
    engine.dispose()
    found = json.loads(loupan("ledger", "--estate", "e1", "--json", "--database", database, cwd=tmp_path).stdout)
    assert found["balance"] == world.get("/v1/ledger?estate_id=e1").json()["balance"]
    text = loupan("ledger", "--order", "o1", "--csv", "--database", database, cwd=tmp_path).stdout.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(row["debit_fen"]) - int(row["credit_fen"]) for row in rows) == 0
    said = loupan("ledger", "--database", database, cwd=tmp_path).stdout.decode()
    assert "never-placed" in said
    assert "-90,000.00" in said
    wrong = loupan("ledger", "--order", "none", "--database", database, cwd=tmp_path)
    assert (wrong.returncode, b"there are no books of such an order" in wrong.stderr) == (2, True)


def replayed(raws: list[bytes], folder: Path, **reference: Any) -> dict[str, Any]:
    events = folder / "events.jsonl"
    events.write_bytes(b"".join(raw + b"\n" for raw in raws))
    return Replay(make_world(builders.reference(**reference), builtin_playbooks())).run(events, folder / "out")


def test_a_replay_tells_what_still_waits_at_its_end_and_the_sums(tmp_path: Path):
    found = replayed([STREAM[1], STREAM[2], *STREAM[:1], STREAM[5]], tmp_path)
    assert {name: found[name] for name in ("read", "applied", "duplicate", "dead")} == {
        "read": 4, "applied": 3, "duplicate": 0, "dead": 1}
    (letter,) = [json.loads(line) for line in (tmp_path / "out" / "dead-letters.jsonl").read_bytes().splitlines()]
    assert (letter["line"], letter["raw"].encode()) == (4, STREAM[5])
    assert found["ledger"] == {"cash": 3_000_000, "sales": -3_000_000}


def test_a_dealers_own_terms_take_the_place_of_the_playbooks(tmp_path: Path):
    own = Offer("group_bargain@d1", "拼单", "以公示为准", dealer_id="d1")
    assert replayed(STREAM[:4], tmp_path, offers=[own])["ledger"].get("discounts") is None


def test_what_waits_is_found_without_looking_through_all_that_is_remembered(world: World):
    with world.engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT value FROM state WHERE kind = {kind}").all())
            for kind in (ORDER_WAITING, SALES)]
    assert ["state_waiting" in plans[0], "state_sums" in plans[1]] == [True, True]


def test_the_books_are_read_from_the_rows_alone(world: World):
    with world.engine.connect() as connection:
        assert books(connection, Asked("e2"))["balance"] == {"receivable": 3_000_000, "sales": -3_000_000}
        assert sum(sums(connection).values()) == 0
        assert len(waiting_as_lines(connection)) == 1
