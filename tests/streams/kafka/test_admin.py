"""The topics of a broker: what differs is said; what is missing is made; what is there is changed only when asked."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import BadFile, Unavailable
from schemas.topics import TOPICS
from streams.kafka.admin import apply, connected, plan
from streams.kafka.producer import Publisher
from streams.kafka.wanted import wanted_topics
from tests import commands


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds, as soon as the broker's own picture of its topics has followed a change."""
    end = time.monotonic() + 10
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.1)
    return held


def loupan(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    done = commands.run(*words, cwd=Path.cwd(), env={**os.environ, **env}, timeout=60)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def admin(kafka):
    with connected(kafka.address) as admin:
        yield admin


@pytest.fixture
def prefix(admin):
    """A prefix of the test's own, whose topics are gone afterwards."""
    prefix = f"test-{uuid4().hex}."
    yield prefix
    if mine := [name for name in admin.list_topics() if name.startswith(prefix)]:
        admin.delete_topics(mine)


def said(found):
    return [str(difference) for difference in found]


def test_what_is_missing_is_said_and_then_made_as_wanted(admin, prefix):
    wanted = wanted_topics(partitions=3, replication=1, prefix=prefix)
    assert [difference.what for difference in plan(admin, wanted)] == ["missing"] * len(TOPICS)
    applied = apply(admin, wanted)
    assert (len(applied.done), applied.left) == (len(TOPICS), [])
    assert soon(lambda: plan(admin, wanted) == [])
    assert apply(admin, wanted) == ([], [])


def test_a_setting_that_differs_is_put_right_only_when_asked(admin, prefix):
    wanted = wanted_topics(partitions=1, replication=1, prefix=prefix)
    apply(admin, wanted)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}tasks", {"retention.ms": "1000"})])
    # A broker says what it was told a moment later.
    assert soon(lambda: plan(admin, wanted) != [])
    ((difference, why),) = apply(admin, wanted).left
    assert (str(difference), why) == (
        f"{prefix}tasks: retention.ms is 1000, not 2592000000", "what is there is changed only with --change")
    assert apply(admin, wanted, change=True) == ([difference], [])
    assert soon(lambda: plan(admin, wanted) == [])


def test_partitions_are_added_where_there_was_no_record_and_else_only_when_told_twice(kafka, admin, prefix):
    apply(admin, wanted_topics(partitions=2, replication=1, prefix=prefix))
    publisher = Publisher(kafka.address)
    publisher.send(f"{prefix}estate-events", "e1", b"{}").result()
    publisher.close()
    wanted = wanted_topics(partitions=4, replication=1, prefix=prefix)
    applied = apply(admin, wanted, change=True)
    ((difference, why),) = applied.left
    assert str(difference) == f"{prefix}estate-events: has 2 partitions, not 4"
    assert "keys would move: only with --repartition" in why
    assert soon(lambda: said(plan(admin, wanted)) == [str(difference)])
    assert apply(admin, wanted, change=True, repartition=True) == ([difference], [])
    assert soon(lambda: plan(admin, wanted) == [])


def test_another_number_of_copies_is_said_and_left(admin, prefix):
    apply(admin, wanted_topics(partitions=1, replication=1, prefix=prefix))
    (first, *_) = apply(admin, wanted_topics(partitions=1, replication=2, prefix=prefix), change=True).left
    assert "kafka-reassign-partitions" in first.why


def test_what_the_broker_refuses_is_left_with_its_reason(admin, prefix):
    applied = apply(admin, wanted_topics(replication=99, prefix=prefix))
    assert applied.done == []
    assert {"99" in why for _, why in applied.left} == {True}


def test_a_broker_that_does_not_answer_is_unavailable():
    with pytest.raises(Unavailable, match="no Kafka broker answers at"), connected("127.0.0.1:1", 0.2):
        pass


def test_an_address_that_is_none_is_bad_input():
    with pytest.raises(BadFile, match="HOST:PORT"), connected("127.0.0.1:port", 0.2):
        pass


# --- as somebody types it ---------------------------------------------------------------------------


def test_the_command_says_what_differs_and_ends_with_1_until_nothing_does(kafka, prefix):
    env = {"LOUPAN_KAFKA": kafka.address, "LOUPAN_TOPIC_PREFIX": prefix, "LOUPAN_REPLICATION": "1",
           "LOUPAN_PARTITIONS": "2"}
    first = loupan("admin", "topics", **env)
    assert (first.returncode, first.stderr) == (1, "")
    assert f"{prefix}group-events: is missing (2 partitions, replication 1)" in first.stdout
    made = loupan("admin", "topics", "--apply", "--json", **env)
    answer = json.loads(made.stdout)
    assert (made.returncode, len(answer["done"]), answer["left"]) == (0, len(TOPICS), [])
    again = loupan("admin", "topics", **env)
    assert (again.returncode, again.stdout) == (0, f"{len(TOPICS)} topics are as they should be\n")
    wider = loupan("admin", "topics", "--partitions", 3, "--json", **env)
    assert wider.returncode == 1
    assert {left["what"] for left in json.loads(wider.stdout)["left"]} == {"partitions"}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--kafka", "127.0.0.1:1"), 1, "no Kafka broker answers at 127.0.0.1:1"),
        (("--kafka", "127.0.0.1:port"), 2, "is no address of a Kafka broker"),
        (("--change",), 2, "--change: says how to apply"),
        (("--apply", "--repartition"), 2, "--repartition: says how to"),
        (("--prefix", "a b"), 2, "--prefix: a topic's name has"),
        (("--partitions", "0"), 2, "partitions"),
    ],
)
def test_whatever_is_in_the_way_is_one_sentence(words, status, says):
    done = loupan("admin", "topics", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert says in done.stderr
