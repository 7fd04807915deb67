"""The examples of docs/integrating.md and docs/importing.md, run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.events import decode
from streams.importing.mapping import read_mapping
from streams.importing.orders import Orders
from streams.importing.wechaty import events_of
from tests.conftest import ROOT
from tests.servers.servers import Kafka
from tests.streams.gateway_world import World

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(page: str, language: str, heading: str) -> list[str]:
    """The fenced code of a language below a heading of a page."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    _, _, section = text.partition(f"\n## {heading}\n")
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    return [body for kind, body in FENCE.findall(section) if kind == language]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, str]]]:
    world = World(Path(tmp_path_factory.mktemp("integrating")))
    with world.served() as http:
        yield world, {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOUPAN": str(http.base_url).rstrip("/"),
            "TOKEN": world.tokens["integration"]}
    world.close()


def run(words: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.strip()


def test_the_python_example_publishes_its_event_once(served):
    world, env = served
    code = examples("integrating.md", "python", "In ten lines")[0]
    assert len(code.strip().splitlines()) <= 10
    assert [run([sys.executable, "-c", code], env) for _ in range(2)] == ["accepted", "duplicate"]
    assert [one["id"] for one in world.inbox()].count("msg-1") == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_curl_example_publishes_its_event_once(served):
    world, env = served
    [code] = examples("integrating.md", "bash", "In ten lines")
    assert len(code.strip().splitlines()) <= 10
    answers = [json.loads(run(["bash", "-c", code], env)) for _ in range(2)]
    assert [(one["accepted"], one["duplicate"]) for one in answers] == [(1, 0), (0, 1)]
    assert [one["id"] for one in world.inbox()].count("msg-2") == 1


def test_the_kafka_example_sends_a_record_that_the_workers_read(kafka: Kafka, tmp_path):
    from kafka import KafkaConsumer, TopicPartition
    from kafka.admin import KafkaAdminClient, NewTopic

    from schemas.topics import TOPIC_OF, key_of
    from streams.kafka.records import events_of as read

    code = examples("integrating.md", "python", "In ten lines")[1]
    assert len(code.strip().splitlines()) <= 11
    prefix = f"ten-lines-{os.getpid()}-"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(f"{prefix}group-events", 1, 1)])
    run([sys.executable, "-c", code], {
        "PATH": os.environ["PATH"], "KAFKA": kafka.address, "LOUPAN_TOPIC_PREFIX": prefix})
    place = TopicPartition(f"{prefix}group-events", 0)
    consumer = KafkaConsumer(bootstrap_servers=kafka.address, consumer_timeout_ms=20_000)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    record = next(consumer)
    [raw] = read(record.value, record.headers)
    event = decode(raw)
    assert (event.id, TOPIC_OF[type(event)].name, key_of(event)) == ("msg-3", "group-events", record.key.decode())
    consumer.close()
    admin.delete_topics([f"{prefix}group-events"])
    admin.close()


def test_the_mapping_of_the_documentation_is_one(tmp_path):
    [text] = examples("importing.md", "yaml", "Orders")
    (tmp_path / "mapping.yaml").write_text(text, "utf-8")
    mapped = read_mapping(tmp_path / "mapping.yaml")
    names = [name for columns in mapped.mapping.columns.values() for name in columns]
    cells: dict[str, str] = {
        **dict.fromkeys(names, ""), "订单号": "A1", "下单时间": "2026-03-01", "实付金额": "9.9", "订单状态": "已退款",
        "品类": "体验装", "省": "北京市", "市": "朝阳区", "详细地址": "绿地城", "退款时间": "2026-03-05 9:00",
        "退款金额": "9.9"}
    (tmp_path / "orders.csv").write_text("\n".join([",".join(names), ",".join(cells[name] for name in names)]), "utf-8")
    [unit] = Orders(tmp_path / "orders.csv", mapped).read()
    events: list[Any] = [decode(raw) for raw in getattr(unit, "raws", ())]
    assert [(event.type, event.data.order_id) for event in events] == [
        ("loupan.order.placed.v1", "A1"), ("loupan.order.paid.v1", "A1"), ("loupan.order.refunded.v1", "A1")]
    assert events[0].data.delivery.address == "北京市朝阳区绿地城"
    assert (events[0].data.items[0].line, events[2].data.amount_fen) == ("traffic", 990)


def test_every_column_of_a_mapping_is_in_the_documentation():
    from streams.importing.mapping import NAMES, Mapping

    text = (ROOT / "docs" / "importing.md").read_text("utf-8")
    names = (*NAMES, *Mapping.model_fields)
    assert [name for name in names if f"`{name}`" not in text and f"\n{name}:" not in text] == []


def test_the_envelope_that_the_documentations_bot_sends_is_read():
    [code] = examples("importing.md", "js", "wechaty")
    assert "JSON.stringify({event, payload})" in code
    names = re.findall(r"'(room-\w+)'", code)
    assert names == ["room-join", "room-leave", "room-topic"]
    payload = {
        "roomId": "r", "timestamp": 1_772_539_950, "inviteeIdList": ["a"], "removeeIdList": ["a"], "newTopic": "群"}
    assert [len(events_of({"event": name, "payload": payload}).raws) for name in names] == [1, 1, 1]
