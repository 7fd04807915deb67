"""Webhooks that go out, to real servers on this machine: order, retries, crashes, secrets, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from schemas.ids import derived_id
from schemas.tasks import Goal, GoalReached, PhaseChange, PhaseEntered
from schemas.values import Phase
from streams import leases
from streams.tables import outbox, webhooks
from streams.webhooks import courier as courier_module
from streams.webhooks import endpoints
from streams.webhooks.backoff import pause
from streams.webhooks.courier import LEASE, Courier
from streams.webhooks.endpoints import Endpoint, Kind, Status
from streams.webhooks.posting import Poster
from tests.databases import opened
from tests.streams.gateway_world import NOW, Commits, StillClock, task, two_dealers
from tests.streams.receivers import Request, receiving


class Office:
    """A database with an outbox, and couriers over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = opened(path)
        self.commits, self.clock = Commits(), StillClock()
        self.reference = two_dealers()

    def add(self, name: str, url: str, *, kind: Kind = Kind.STANDARD, types: str = "*", **fields: Any) -> Endpoint:
        with self.engine.begin() as connection:
            return endpoints.add(connection, Endpoint(
                name=name, kind=kind, url=url, types=types, created_at=int(time.time() * 1000), **fields))

    def find(self, name: str) -> Endpoint:
        with self.engine.connect().execution_options(reading=True) as connection:
            return endpoints.find(connection, name)

    def until(self, name: str, status: Status, within: float = 8.0) -> Endpoint:
        ends = time.monotonic() + within
        while (found := self.find(name)).status is not status:
            assert time.monotonic() < ends, found
            time.sleep(0.01)
        return found

    def send(self, event: Any, topic: str = "tasks") -> str:
        with self.engine.begin() as connection:
            offset = connection.execute(outbox.insert().values(
                topic=topic, key=event.partitionkey, id=event.id, raw=msgspec.json.encode(event))).lastrowid
        self.commits.at = int(offset)
        return str(event.id)

    def issue(self, day: int = 4, clock: str = "11:30", **fields: Any) -> str:
        return self.send(issued(day, clock, **fields))

    @contextmanager
    def running(self, **options: Any) -> Iterator[Courier]:
        poster = Poster(private=options.pop("private", True), timeout=options.pop("timeout", 2.0))
        made = Courier(
            self.engine, self.commits, lambda: self.reference, self.clock, zone(), poster=poster,
            **{"first": 0.02, "gather": 0.05, "pace": 0.1, **options})
        made.start()
        try:
            yield made
        finally:
            made.stop()


def zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")


def issued(day: int = 4, clock: str = "11:30", **fields: Any) -> Any:
    from schemas.tasks import TaskIssued

    made = task(day, clock, **fields)
    return TaskIssued(
        id=derived_id(made.issued_at, made.task_id), time=made.issued_at, subject=made.task_id,
        partitionkey=made.dealer_id, data=made)


def entered(estate: str = "e1", phase: Phase = Phase.SIGN_UP) -> PhaseEntered:
    data = PhaseChange(estate, f"c-{estate}", 1, phase, 8, "gate")
    return PhaseEntered(
        id=derived_id(NOW, estate, phase), time=NOW, subject=estate, partitionkey=estate, data=data)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(courier_module, "_LOOK", 0.05)
    monkeypatch.setattr(courier_module, "_REST", 0.005)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "loupan.db")
    yield made
    made.engine.dispose()


def until(so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 8
    while not so():
        assert time.monotonic() < ends
        time.sleep(0.01)


def ids(requests: list[Request]) -> list[str]:
    return [request.headers["webhook-id"] for request in requests]


def failing(times: int, status: int = 503, **headers: str) -> Any:
    return lambda number, _: (status if number < times else 200, headers, b"")


def test_what_goes_out_is_posted_whole_in_order_and_signed(office):
    with receiving() as receiver:
        made = office.add("erp", receiver.url)
        sent = [office.issue(day) for day in range(1, 8)]
        with office.running():
            came = receiver.wait(7)
    assert ids(came) == sent
    for request in came:
        assert request.headers["content-type"] == "application/cloudevents+json"
        event = Webhook(made.secret).verify(request.body, request.headers)
        assert (event["id"], event["type"]) == (request.headers["webhook-id"], "loupan.task.issued.v1")


def test_a_new_endpoint_is_told_from_now_on_or_from_the_start(office):
    with receiving() as now, receiving() as all_:
        first = office.issue(1)
        office.add("now", now.url)
        with office.engine.begin() as connection:
            endpoints.add(connection, Endpoint(
                name="all", kind=Kind.STANDARD, url=all_.url, types="*", created_at=1), from_start=True)
        second = office.issue(2)
        with office.running():
            assert ids(all_.wait(2)) == [first, second]
            assert ids(now.wait(1)) == [second]


def test_what_fails_is_sent_again_under_the_same_id_before_what_comes_after(office):
    with receiving(failing(3)) as receiver:
        office.add("erp", receiver.url)
        sent = [office.issue(1), office.issue(2)]
        with office.running():
            came = receiver.wait(5)
    assert ids(came) == [sent[0]] * 4 + [sent[1]]
    assert all(later.at >= earlier.at for earlier, later in pairwise(came))


def test_pauses_grow_to_hours_and_are_spread_and_what_an_endpoint_asks_for_is_kept(office):
    assert [round(pause(n, dice=0.5)) for n in (1, 2, 3, 7, 8, 50)] == [5, 20, 80, 20480, 21600, 21600]
    assert pause(1, dice=0.0) == 4.0
    assert pause(1, dice=1.0) == 6.0
    assert pause(1, 120.0, dice=0.5) == 120.0
    assert pause(1, 1e9, dice=0.5) == 24 * 3600


def test_retry_after_is_waited_for(office):
    with receiving(failing(1, 429, **{"Retry-After": "1"})) as receiver:
        office.add("erp", receiver.url)
        office.issue(1)
        with office.running():
            first, second = receiver.wait(2)
    assert second.at - first.at >= 0.9


def test_times_of_retries_outlive_a_restart(office):
    with receiving(failing(1)) as receiver:
        office.add("erp", receiver.url)
        sent = office.issue(1)
        with office.running(first=3600.0):
            receiver.wait(1)
            while not office.find("erp").failures:
                time.sleep(0.01)
        with office.running():
            time.sleep(0.3)
            assert len(receiver.requests) == 1
            with office.engine.begin() as connection:
                connection.execute(update(webhooks).values(due=0))
            assert ids(receiver.wait(2)) == [sent, sent]


def test_a_crash_between_sending_and_writing_sends_again_under_the_same_id(office, monkeypatch):
    with receiving() as receiver:
        office.add("erp", receiver.url)
        sent = [office.issue(1), office.issue(2)]

        def die(*_: Any) -> bool:
            raise SystemExit

        monkeypatch.setattr(Courier, "_write", die)
        monkeypatch.setattr("threading.excepthook", lambda _: None)
        crashed = Courier(office.engine, office.commits, lambda: office.reference, office.clock, zone(),
                          poster=Poster(private=True))
        with pytest.raises(SystemExit):
            crashed._run()
        assert ids(receiver.wait(2)) == sent
        assert office.find("erp").next == 0
        monkeypatch.undo()
        monkeypatch.setattr(courier_module, "_LOOK", 0.05)
        with office.engine.begin() as connection:
            leases.give_back(connection, LEASE, crashed._holder)
        with office.running():
            assert ids(receiver.wait(4)) == sent * 2
            while office.find("erp").next != 2:
                time.sleep(0.01)


def test_during_a_rotation_both_secrets_sign_and_afterwards_the_new_one(office):
    with receiving() as receiver:
        old = office.add("erp", receiver.url).secret
        with office.engine.begin() as connection:
            now = int(time.time() * 1000)
            new = endpoints.rotate(connection, "erp", now=now, until=now + 3_600_000)
        office.issue(1)
        with office.running() as made:
            [both] = receiver.wait(1)
            with office.engine.begin() as connection:
                connection.execute(update(webhooks).values(previous_until=1))
            until(lambda: made._desks["erp"].row.previous_until == 1)
            office.issue(2)
            _, alone = receiver.wait(2)
    for secret in (old, new):
        Webhook(secret).verify(both.body, both.headers)
    Webhook(new).verify(alone.body, alone.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(alone.body, alone.headers)


def test_410_ends_it_until_it_is_enabled(office):
    with receiving(failing(1, 410)) as receiver:
        office.add("erp", receiver.url)
        sent = office.issue(1)
        with office.running():
            found = office.until("erp", Status.GONE)
            assert found.said == "answered 410 Gone"
            office.issue(2)
            time.sleep(0.2)
            assert len(receiver.requests) == 1
            with office.engine.begin() as connection:
                endpoints.enable(connection, "erp")
            assert ids(receiver.wait(2))[1] == sent


def test_after_failing_for_days_it_is_given_up_and_enabled_where_it_stood_or_from_now(office):
    with receiving(failing(10_000)) as receiver:
        office.add("erp", receiver.url)
        office.issue(1)
        with office.running(days=0.2 / 86_400):
            found = office.until("erp", Status.GAVE_UP)
    assert found.failures > 1
    assert found.next == 0
    assert found.said == "answered 503 Service Unavailable"
    with office.engine.begin() as connection:
        assert endpoints.enable(connection, "erp").next == 0
        assert endpoints.enable(connection, "erp", skip=True).next == 1


def test_a_redirect_is_not_followed(office):
    with receiving() as elsewhere, receiving(lambda *_: (302, {"Location": elsewhere.url}, b"")) as receiver:
        office.add("erp", receiver.url)
        office.issue(1)
        with office.running():
            receiver.wait(2)
        assert elsewhere.requests == []
    assert "redirects, which is not followed" in office.find("erp").said


def test_a_slow_endpoint_holds_up_nobody(office):
    def late(*_: Any) -> Any:
        time.sleep(6)
        return 200, {}, b""

    with receiving(late) as slow, receiving() as fast:
        office.add("slow", slow.url)
        office.add("fast", fast.url)
        begun = time.monotonic()
        for day in range(1, 11):
            office.issue(day)
        with office.running(timeout=0.3):
            fast.wait(10)
            assert time.monotonic() - begun < 5
            slow.wait(1)
            while not office.find("slow").failures:
                time.sleep(0.01)
    assert office.find("slow").said == "no answer within 0.3 seconds"


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://10.0.0.8/",
    "http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/",
])
def test_addresses_of_this_machine_and_of_private_networks_are_not_posted_to(office, url):
    with receiving() as receiver:
        office.add("erp", url.format(port=receiver.url.split(":")[2].split("/")[0]))
        office.issue(1)
        with office.running(private=False):
            while not office.find("erp").failures:
                time.sleep(0.01)
        assert receiver.requests == []
    assert "of this machine or of a private network" in office.find("erp").said


def test_each_is_told_what_concerns_it_and_what_it_asked_for(office):
    with receiving() as one, receiving() as city, receiving() as phases:
        office.add("one", one.url, dealer_id="d1")
        office.add("city", city.url, city="天津")
        office.add("phases", phases.url, types="loupan.campaign.*")
        own, _other = office.issue(1), office.issue(2, dealer="d2", estate="e2", group="g2")
        phase = office.send(entered("e1"), "campaign-events")
        elsewhere = office.send(entered("e3"), "campaign-events")
        goal = office.send(GoalReached(
            id=derived_id(NOW, "goal"), time=NOW, subject="e2", partitionkey="e2", data=Goal("e2", "c-e2", 5, 5)),
            "campaign-events")
        with office.running():
            assert ids(one.wait(2)) == [own, phase]
            assert ids(city.wait(1)) == [elsewhere]
            assert ids(phases.wait(3)) == [phase, elsewhere, goal]
            time.sleep(0.1)
    assert (len(one.requests), len(city.requests), len(phases.requests)) == (2, 1, 3)


def test_of_two_gateways_one_delivers_and_the_other_goes_on_when_it_ends(office):
    with receiving() as receiver:
        office.add("erp", receiver.url)
        with office.running() as first:
            sent = [office.issue(1)]
            receiver.wait(1)
            with office.running() as second:
                sent += [office.issue(day) for day in range(2, 6)]
                receiver.wait(5)
                assert (first._leading, second._leading) == (True, False)
                while office.find("erp").next != 5:
                    time.sleep(0.01)
                first.stop()
                sent.append(office.issue(6))
                receiver.wait(6)
                assert second._leading
    assert ids(receiver.requests) == sent


def test_who_is_removed_or_turned_off_is_told_nothing_more_and_who_is_far_behind_catches_up(office, monkeypatch):
    monkeypatch.setattr(courier_module, "_FAR", 3)
    monkeypatch.setattr(courier_module, "_CHUNK", 4)
    with receiving() as receiver, receiving() as off:
        office.add("erp", receiver.url)
        office.add("off", off.url)
        with office.engine.begin() as connection:
            endpoints.disable(connection, "off")
        sent = [office.issue(day, clock) for day in range(1, 11) for clock in ("07:30", "11:30")]
        with office.running() as made:
            assert ids(receiver.wait(20)) == sent
            with office.engine.begin() as connection:
                endpoints.remove(connection, "erp")
            until(lambda: "erp" not in made._desks)
            office.issue(11)
            time.sleep(0.1)
            assert made.told.counted == {("erp", "delivered"): 20}
    assert len(receiver.requests) == 20
    assert off.requests == []


def test_where_nobody_is_to_be_told_nothing_is_written(office):
    office.issue(1)
    with office.running():
        time.sleep(0.2)
    with office.engine.connect().execution_options(reading=True) as connection:
        assert leases.held(connection, LEASE, "") == (False, 0)
        assert connection.execute(select(webhooks)).all() == []


# --- a staff group's robot ------------------------------------------------------------------------


def content(request: Request) -> str:
    said = msgspec.json.decode(request.body)
    assert said["msgtype"] == "markdown"
    text = said["markdown"]["content"]
    assert len(text.encode()) <= 4096
    return str(text)


OK = b'{"errcode":0,"errmsg":"ok"}'


def wecom(*codes: int) -> Any:
    def answer(number: int, _: Request) -> tuple[int, dict[str, str], bytes]:
        code = codes[number] if number < len(codes) else 0
        return 200, {}, msgspec.json.encode({"errcode": code, "errmsg": f"said {code}, hint: [1]"})

    return answer


def test_a_robot_says_the_days_tasks_and_news_in_one_message(office):
    office.reference.groups["g1"] = msgspec.structs.replace(
        office.reference.groups["g1"], name="[绿地城](http://evil.example)<@all>业主群")
    with receiving(wecom()) as receiver:
        office.add("staff", receiver.url + "?key=k", kind=Kind.WECOM, dealer_id="d1")
        for clock in ("17:30", "19:00", "22:00"):
            office.issue(4, clock)
        office.issue(5, "07:30")
        office.issue(4, "12:30", issued_at=NOW, action="reply", group="g2")
        office.issue(1, "11:30")
        office.issue(4, "17:30", dealer="d2", estate="e2", group="g2")
        office.send(entered(), "campaign-events")
        with office.running():
            [request] = receiver.wait(1)
    said = content(request)
    assert "**今天有 3 条任务**，第一条 17:30 开始" in said
    assert "**明天有 1 条任务**，第一条 07:30 开始" in said
    assert "新的急事 1 条" in said
    assert "万科城业主群：回复，13:00 前" in said
    assert "**绿地城** 进入报名期（第 8 天）" in said
    assert "绿地城(http：／／evil．example)all业主群：3 条" in said


def test_a_robot_speaks_at_its_pace_and_says_what_came_meanwhile_together(office):
    with receiving(wecom()) as receiver:
        office.add("staff", receiver.url, kind=Kind.WECOM, dealer_id="d1")
        with office.running(pace=2.0):
            office.issue(4, "17:30")
            receiver.wait(1)
            for clock in ("19:00", "20:00", "22:00"):
                office.issue(4, clock)
                time.sleep(0.03)
            first, second = receiver.wait(2)
            time.sleep(0.3)
    assert second.at - first.at >= 1.9
    assert "有 3 条任务" in content(second)
    assert len(receiver.requests) == 2


def test_a_robots_pace_keeps_below_twenty_a_minute():
    from streams.webhooks import robot

    assert 60 / robot.PACE <= 20 / 2


def test_an_errcode_in_a_200_is_a_failure_and_too_many_wait_a_minute(office):
    with receiving(wecom(-1, 45009)) as receiver:
        office.add("staff", receiver.url, kind=Kind.WECOM, dealer_id="d1")
        office.issue(4, "17:30")
        with office.running():
            first, second = receiver.wait(2)
            while "45009" not in office.find("staff").said:
                time.sleep(0.01)
    found = office.find("staff")
    assert content(first) == content(second)
    assert found.said == "errcode 45009: said 45009"
    assert found.due - int(time.time() * 1000) > 50_000


def test_a_robot_that_is_not_there_any_more_is_left_alone(office):
    with receiving(wecom(93000)) as receiver:
        office.add("staff", receiver.url, kind=Kind.WECOM, dealer_id="d1")
        office.issue(4, "17:30")
        with office.running():
            assert office.until("staff", Status.GONE).said == "errcode 93000: said 93000"


def test_an_answer_that_is_not_wecoms_is_a_failure(office):
    with receiving(lambda *_: (200, {}, b"<html>")) as receiver:
        office.add("staff", receiver.url, kind=Kind.WECOM, dealer_id="d1")
        office.issue(4, "17:30")
        with office.running():
            receiver.wait(1)
            while not office.find("staff").failures:
                time.sleep(0.01)
    assert "is the URL right?" in office.find("staff").said


