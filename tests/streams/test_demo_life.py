"""The bundled city, the simulated life of groups, recorded streams."""

import csv
import gzip
import json
from collections import Counter
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from geopy.distance import geodesic

from agents.tasks import GRACE
from maps.datum import to_wgs84
from schemas import events as ev
from schemas.errors import BadEvent
from schemas.reference import Estate, Reference, Store
from schemas.tasks import Evidence, Script, Task, Window
from schemas.values import Action, Location, PersonaClass, Phase, Role, TaskStatus
from streams.demo.chatter import Scale
from streams.demo.city import beijing_estates
from streams.demo.life import Life
from streams.demo.people import demo_reference
from streams.demo.recording import record
from streams.demo.talk import talk
from streams.demo.writing import write_reference
from tests.builders import DAY_1, at, campaign, group, reference, staff

START = datetime.fromisoformat("2026-03-01T06:00:00+08:00")
SMALL = Scale(members=(40, 60), messages_per_member_day=1.0)
SHARED = Path(__file__).parents[3] / "shared" / "data"


def city(groups: int = 6) -> Reference:
    return demo_reference(DAY_1, groups=groups)


def lived(days: int = 12, *, seed: int = 7, step: timedelta = timedelta(days=1)) -> list[bytes]:
    life = Life(city(), seed, START, scale=SMALL)
    end, now = START + timedelta(days=days), START
    out: list[bytes] = []
    while now < end:
        now = min(now + step, end)
        out += life.until(now)
    return out


@pytest.fixture(scope="module")
def stream():
    return [ev.decode(raw) for raw in lived()]


# --- the city and its people ----------------------------------------------------------------------


def test_the_bundled_city_has_4846_estates_each_with_a_point_in_bd09():
    estates = beijing_estates()
    assert len(estates) == len({estate.estate_id for estate in estates}) == 4846
    assert {estate.crs for estate in estates} == {"bd09"}
    assert all(115 < (estate.lng or 0) < 118 and 39 < (estate.lat or 0) < 42 for estate in estates)
    assert all(estate.name and estate.district.endswith("区") and estate.city == "北京" for estate in estates)


def test_the_bundle_holds_nothing_but_the_columns_that_may_ship():
    packed = files("streams.demo").joinpath("data/beijing_estates.csv.gz").read_bytes()
    rows = list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))
    filled = {column for row in rows for column, value in row.items() if value}
    assert filled == {"estate_id", "name", "lng", "lat", "crs", "city", "district", "build_year"}


def test_the_demo_has_ten_dealers_forty_groups_and_campaigns_over_three_days():
    demo = demo_reference(DAY_1)
    assert (len(demo.dealers), len(demo.stores), len(demo.groups)) == (10, 10, 40)
    assert {plan.start_date for plan in demo.campaigns} == {"2026-03-02", "2026-03-03", "2026-03-04"}
    assert {plan.estate_id for plan in demo.campaigns} == set(demo.groups_of_estate)
    assert max(map(len, demo.groups_of_estate.values())) == 2


def test_every_demo_group_is_fully_staffed_and_has_three_to_six_shills():
    demo = demo_reference(DAY_1)
    needed = {Role.MAIN_PERSONA, Role.CUSTOMER_SERVICE, Role.DESIGNER, Role.GROUP_ADMIN}
    for people in demo.personas_of_group.values():
        assert needed <= {person.role for person in people}
        assert 3 <= sum(person.role is Role.SHILL for person in people) <= 6
        assert len({person.member_id for person in people}) == len(people)


def test_a_demo_dealer_works_estates_near_the_store():
    demo = demo_reference(DAY_1)
    for row in demo.groups.values():
        assert row.estate_id is not None
        assert row.store_id is not None
        # The outer districts are wide: what is near there is far in the old city.
        assert metres(demo.estates[row.estate_id], demo.stores[row.store_id]) < 15_000


def metres(one: Estate | Store | Location, other: Estate | Store | Location) -> float:
    (lng, lat), (other_lng, other_lat) = wgs84(one), wgs84(other)
    return float(geodesic((lat, lng), (other_lat, other_lng)).meters)


def wgs84(thing: Estate | Store | Location) -> tuple[float, float]:
    assert thing.lng is not None
    assert thing.lat is not None
    assert thing.crs is not None
    return to_wgs84(thing.lng, thing.lat, thing.crs)


def test_more_groups_than_the_city_has_room_for_are_refused():
    with pytest.raises(ValueError, match="has estates for"):
        demo_reference(DAY_1, groups=5000)


def test_written_reference_files_read_back_as_they_were(tmp_path):
    from streams.reference_files import read_reference

    demo = city()
    write_reference(demo, tmp_path)
    assert read_reference(tmp_path) == demo


# --- life -----------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes():
    assert lived(3) == lived(3)
    assert lived(3) != lived(3, seed=8)


def test_life_does_not_depend_on_how_time_is_cut():
    assert lived(2, step=timedelta(minutes=7)) == lived(2, step=timedelta(days=2))


def test_events_come_in_time_order_with_ids_that_are_unique(stream):
    assert all(one.time <= other.time for one, other in pairwise(stream))
    assert len({event.ref for event in stream}) == len(stream)
    assert all(event.id[:13] == ev_prefix(event) for event in stream)


def ev_prefix(event: ev.Event) -> str:
    ms = f"{round(event.time.timestamp() * 1000):012x}"
    return f"{ms[:8]}-{ms[8:]}"


def test_every_source_says_that_it_is_simulated(stream):
    assert {event.source for event in stream} == {"simulated/wecom", "simulated/orders"}


def test_the_rare_things_happen_too(stream):
    kinds = {type(event) for event in stream}
    assert {
        ev.GroupMessage, ev.MemberJoined, ev.MemberLeft, ev.MessageRecalled, ev.HomeDeclared, ev.Consent, ev.Erased,
        ev.OrderPlaced, ev.DepositPaid, ev.OrderPaid, ev.OrderDelivered, ev.InstallChecked, ev.OrderInstalled,
    } <= kinds
    assert {event.data.scope for event in stream if isinstance(event, ev.Consent)} >= {"profiling"}
    said = {message.data.text for message in messages(stream)}
    for deed in ("opts_out", "advertises", "breaks_rules"):
        assert said & set(talk().lines[deed]), deed


def messages(stream: list[ev.InEvent]) -> list[ev.GroupMessage]:
    return [event for event in stream if isinstance(event, ev.GroupMessage)]


def test_cancelled_and_refunded_orders_exist_in_a_whole_demo():
    life = Life(demo_reference(DAY_1), 7, START, scale=Scale((40, 60), 0.1))
    types = Counter(type(ev.decode(raw)) for raw in life.until(START + timedelta(days=15)))
    assert types[ev.OrderCancelled] > 0
    assert types[ev.OrderRefunded] > 0


def test_people_talk_by_day_and_sleep_at_night(stream):
    hours = Counter(message.time.hour for message in messages(stream))
    assert sum(hours[hour] for hour in (1, 2, 3, 4)) < 0.02 * hours.total()
    assert hours[20] > 2 * hours[15]


def test_few_members_say_most(stream):
    said = sorted(Counter(message.data.member_id for message in messages(stream)).values(), reverse=True)
    assert sum(said[: len(said) // 10]) > 0.35 * sum(said)


def test_nobody_speaks_after_leaving_or_being_erased(stream):
    gone = set()
    for event in stream:
        if isinstance(event, ev.MemberLeft | ev.Erased):
            gone.add(event.data.member_id)
        elif isinstance(event, ev.GroupMessage):
            assert event.data.member_id not in gone


def test_every_speaker_joined_before(stream):
    there = set()
    for event in stream:
        if isinstance(event, ev.MemberJoined):
            there.add((event.data.group_id, event.data.member_id))
        elif isinstance(event, ev.GroupMessage):
            assert (event.data.group_id, event.data.member_id) in there


def test_staff_say_nothing_that_no_task_asked_for(stream):
    staff_accounts = {p.member_id for p in city().personas.values() if p.cls is not PersonaClass.BUYER}
    assert not [message for message in messages(stream) if message.data.member_id in staff_accounts]


def test_a_staff_account_is_named_shop_post_name(stream):
    people = {p.member_id: p for p in city().personas.values() if p.cls is PersonaClass.STAFF}
    joins = [e.data for e in stream if isinstance(e, ev.MemberJoined) and e.data.member_id in people]
    assert joins
    for data in joins:
        shop, post, name = (data.display_name or "").split("-")
        assert shop.startswith("木语全屋定制·")
        assert name == people[data.member_id].name
        assert post


def test_every_buyer_persona_has_a_delivered_unrefunded_order_from_before_the_campaign(stream):
    buyers = {p.member_id for p in city().personas.values() if p.cls is PersonaClass.BUYER}
    owner = {e.data.order_id: e.data.member_id for e in stream if isinstance(e, ev.OrderPlaced)}
    early = {owner[e.data.order_id] for e in stream if isinstance(e, ev.OrderDelivered) and e.time < START}
    refunded = {owner[e.data.order_id] for e in stream if isinstance(e, ev.OrderRefunded)}
    assert buyers
    assert buyers <= early - refunded


def test_a_shared_location_lies_30_to_150_metres_beside_an_estate_and_is_gcj02(stream):
    points = [message.data.location for message in messages(stream) if message.data.location]
    named: dict[str, list[Estate]] = {}
    for estate in beijing_estates():
        named.setdefault(estate.name, []).append(estate)
    assert points
    for point in points:
        assert point.crs == "gcj02"
        assert 29 < min(metres(point, estate) for estate in named[point.label or ""]) < 151


def test_start_needs_an_offset():
    with pytest.raises(ValueError, match="offset"):
        Life(city(1), 7, START.replace(tzinfo=None))


# --- personas at work -----------------------------------------------------------------------------

STAFF = {person.member_id for person in staff() if person.cls is PersonaClass.STAFF}
SIGNED = "——木语全屋定制·测试店 门店主理人 林晚"


def task(number: int = 1, *, persona: str = "p-main", start: str = "19:00", **fields: Any) -> Task:
    begins = datetime.fromisoformat(at(1, start))
    row: dict[str, Any] = {
        "task_id": f"task-{number:04d}", "dealer_id": "d1", "store_id": "s1", "estate_id": "e1", "group_id": "g1",
        "campaign_id": "c1", "stage": 1, "phase": Phase.WARM_UP, "day": 1, "role": Role.MAIN_PERSONA,
        "persona_id": persona, "action": Action.POST, "window": Window(begins, begins + timedelta(minutes=30)),
        "script": Script("hello", 1, f"今晚聊聊收房。大家有什么想问的！\n{SIGNED}"), "disclosure": SIGNED,
        "because": (), "priority": 5, "status": TaskStatus.ISSUED, "issued_at": begins - timedelta(hours=12), **fields,
    }
    return Task(**row)


def worked(tasks: list[Task]) -> list[ev.InEvent]:
    world = reference(groups=[group()], personas=staff(), campaigns=[campaign()])
    life, now, end = Life(world, 7, START, scale=SMALL), START, datetime.fromisoformat(at(1, "23:30"))
    out: list[bytes] = []
    while now < end:
        now += timedelta(minutes=5)
        out += life.until(now, [row for row in tasks if row.issued_at <= now <= row.window.end])
    return [ev.decode(raw) for raw in out]


def test_personas_post_the_tasks_text_in_its_window_and_mark_it_done():
    tasks = [task(n, start=f"{8 + n % 14:02d}:00") for n in range(60)]
    stream = worked(tasks)
    posts = [message for message in messages(stream) if message.data.member_id == "m-main"]
    done = {event.data.task_id for event in stream if isinstance(event, ev.TaskDone)}
    in_time = [post for post in posts if post.time.minute <= 30]
    assert len(in_time) > 0.7 * len(tasks)
    assert len(done) > 0.5 * len(tasks)
    assert all((post.data.text or "").endswith(SIGNED) for post in posts)
    assert all("聊聊收房" in (post.data.text or "") for post in posts)


def test_personas_are_human_some_skip_forget_to_mark_or_mark_without_doing():
    tasks = [task(n, persona=f"p-{who}", start=f"{8 + n % 14:02d}:00")
             for n, who in enumerate(["main", "service", "designer", "admin", "shill"] * 40)]
    stream = worked(tasks)
    types = Counter(type(event) for event in stream)
    posts = sum(message.data.member_id in STAFF for message in messages(stream))
    assert types[ev.TaskSkipped] > 0
    assert types[ev.TaskClaimed] > 0
    assert 0 < types[ev.TaskDone] < len(tasks)
    assert posts < len(tasks)
    known = {m.data.message_id for m in messages(stream)}
    assert {e.data.message_id for e in stream if isinstance(e, ev.TaskDone)} - {None} <= known


def test_members_answer_what_a_persona_posted():
    stream = worked([task(n, start=f"{8 + n % 14:02d}:00") for n in range(30)])
    posts = {message.data.message_id for message in messages(stream) if message.data.member_id == "m-main"}
    answers = [message for message in messages(stream) if message.data.reply_to in posts]
    assert answers
    assert all(answer.data.member_id not in STAFF for answer in answers)


def test_a_task_that_was_called_back_is_not_done():
    called_back = [task(n, start="19:00", status=TaskStatus.WITHDRAWN) for n in range(20)]
    assert not [event for event in worked(called_back) if event.source == "simulated/dealers"]


def test_nobody_marks_a_task_when_its_time_is_over():
    tasks = {row.task_id: row for row in (task(n, start=f"{8 + n % 14:02d}:00") for n in range(400))}
    marks = [event for event in worked([*tasks.values()]) if isinstance(event, ev.TaskEvent)]
    late = [event for event in marks if event.time > tasks[event.data.task_id].window.end]
    assert late
    assert all(event.time <= tasks[event.data.task_id].window.end + GRACE for event in late)


def test_a_reply_names_the_member_whom_it_answers():
    replies = [
        task(n, action=Action.REPLY, start=f"{8 + n % 14:02d}:00",
             evidence=Evidence(message_id="msg-1", member_id="g1-m007"))
        for n in range(20)
    ]
    posts = [message for message in messages(worked(replies)) if message.data.member_id == "m-main"]
    assert posts
    assert all(post.data.mentions == ["g1-m007"] for post in posts)


def test_tasks_are_taken_as_the_read_models_rows_too():
    tasks = [task(n, start="12:00") for n in range(10)]
    world = reference(campaigns=[campaign()])
    noon, later = datetime.fromisoformat(at(1, "12:01")), datetime.fromisoformat(at(1, "12:35"))
    bodies = [json.loads(msgspec.json.encode(row)) for row in tasks]

    def run(rows: list[Any]) -> list[bytes]:
        life = Life(world, 7, START, scale=SMALL)
        return life.until(noon, rows) + life.until(later, rows)

    assert run(tasks) == run(bodies)


# --- noise and recordings -------------------------------------------------------------------------


def test_a_recording_counts_what_a_reader_will_find(tmp_path):
    out = tmp_path / "events.jsonl"
    counts = record(city(), seed=7, days=12, noise=True, out=out, scale=SMALL)
    lines = out.read_bytes().splitlines()
    good, twice, strange = set[str](), 0, 0
    bad = Counter[str]()
    for line in lines:
        try:
            event = ev.decode(line)
        except BadEvent as error:
            bad[kind_of(str(error))] += 1
            continue
        twice += event.ref in good
        strange += getattr(event.data, "group_id", "").startswith("nobody-knows")
        good.add(event.ref)
    assert len(lines) == counts["lines"]
    assert len(good) - strange == counts["events"]
    assert (twice, strange) == (counts["duplicates"], counts["unknown_group"])
    assert bad == {kind: counts[kind] for kind in ("broken", "unknown_type", "no_datum")}
    assert min(counts.values()) > 0
    assert counts["lines"] == sum(counts.values()) - counts["lines"] - counts["late"]


def kind_of(reason: str) -> str:
    if "datum" in reason:
        return "no_datum"
    return "unknown_type" if "unknown event type" in reason else "broken"


def test_a_recording_without_noise_has_good_events_only(tmp_path):
    counts = record(city(), seed=7, days=2, noise=False, out=tmp_path / "events.jsonl", scale=SMALL)
    assert counts["lines"] == counts["events"] > 0
    assert sum(counts.values()) == 2 * counts["lines"]


def test_noise_leaves_what_happened_as_it_was(tmp_path):
    quiet, noisy = tmp_path / "quiet.jsonl", tmp_path / "noisy.jsonl"
    record(city(), seed=7, days=3, noise=False, out=quiet, scale=SMALL)
    record(city(), seed=7, days=3, noise=True, out=noisy, scale=SMALL)
    missing = set(quiet.read_bytes().splitlines()) - set(noisy.read_bytes().splitlines())
    # Only what was still on its way when the recording ended.
    assert len(missing) <= 20


@pytest.mark.parametrize("name", ["harbin", "qiqihar"])
def test_any_citys_estates_can_be_recorded(name, tmp_path):
    source = SHARED / "estates" / f"{name}.csv"
    if not source.is_file():
        pytest.skip(f"{name}.csv isn't here: the data for development stands beside the repository")
    with source.open(encoding="utf-8-sig", newline="") as file:
        estates = [_estate(row) for row in csv.DictReader(file)]
    worked_on = [estate for estate in estates if estate.lng][:3]
    world = Reference.of(
        estates=estates,
        groups=[group(f"g{n}", estate.estate_id) for n, estate in enumerate(worked_on)],
        campaigns=[campaign(estate.estate_id) for estate in worked_on],
    )
    counts = record(world, seed=1, days=2, noise=False, out=tmp_path / "events.jsonl", scale=SMALL)
    assert counts["events"] > 100


def _estate(row: dict[str, str]) -> Estate:
    lng, lat = (float(row[column]) if row[column] else None for column in ("lng_bd09", "lat_bd09"))
    return Estate(
        f"{row['source']}-{row['source_id']}", row["name"], lng=lng, lat=lat, crs="bd09" if lng else None,
        city=row["city"], district=row["district"],
    )
