"""Replay: a recorded stream becomes the same files for any batch size, and its books add up."""

import base64
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agents.world import World
from schemas.errors import BadFile
from streams import replaying
from streams.demo.chatter import Scale
from streams.demo.people import demo_reference
from streams.demo.recording import record
from streams.playbook_files import builtin_playbooks
from streams.replaying import RESULTS, Replay, believable_end
from streams.worlds import make_world
from tests import builders
from tests.builders import DAY_1, at

PLAYBOOK = "new-estate-own-group"


@pytest.fixture(scope="module")
def city() -> World:
    return make_world(demo_reference(DAY_1, groups=4), builtin_playbooks())


@pytest.fixture(scope="module")
def recorded(city, tmp_path_factory) -> tuple[Path, dict[str, int]]:
    """Two weeks of four groups in the bundled city, with a real stream's noise, and what is in it."""
    path = tmp_path_factory.mktemp("recorded") / "events.jsonl"
    return path, record(city.reference, seed=7, days=14, noise=True, out=path, scale=Scale((40, 60), 1.0))


@pytest.fixture(scope="module")
def replayed(city, recorded, tmp_path_factory) -> tuple[Path, dict[str, Any], list[tuple[int, int]]]:
    """The results of those weeks, replayed as a command does it; what it answered, and what it said on its way."""
    folder, said = tmp_path_factory.mktemp("replayed"), list[tuple[int, int]]()
    return folder, Replay(city).run(recorded[0], folder, lambda done, size: said.append((done, size))), said


@pytest.fixture
def small() -> World:
    return make_world(builders.reference(campaigns=[builders.campaign(playbook=PLAYBOOK)]), builtin_playbooks())


def replay(world: World, raws: list[bytes] | bytes, folder: Path, **options: Any) -> dict[str, Any]:
    events = folder / "events.jsonl"
    events.write_bytes(raws if isinstance(raws, bytes) else b"".join(raw + b"\n" for raw in raws))
    return Replay(world, **options).run(events, folder / "out")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def joins(count: int) -> list[bytes]:
    return [builders.joined(member=f"m{n}", at=at(1, f"08:{n % 60:02d}"), id=f"j{n}") for n in range(count)]


# --- the same bytes -------------------------------------------------------------------------------------


def test_batches_of_1_7_and_1000_give_the_same_bytes(city, recorded, replayed, tmp_path):
    path, _ = recorded
    folders = {1: tmp_path / "1", 7: tmp_path / "7", 1000: replayed[0]}
    for batch in (1, 7):
        Replay(city, batch=batch).run(path, folders[batch])
    written = {batch: {name: (folder / name).read_bytes() for name in RESULTS} for batch, folder in folders.items()}
    for name in RESULTS:
        assert written[1][name] == written[7][name] == written[1000][name], name
    assert written[1]["tasks.jsonl"].count(b"\n") > 300
    assert written[1]["campaign-events.jsonl"].count(b"\n") > 1000


def test_a_second_replay_writes_the_same_bytes_over_the_first(small, tmp_path):
    raws = [*joins(30), builders.message(member="m1", text="多少钱", at=at(1, "09:00"))]
    replay(small, raws, tmp_path)
    first = {name: (tmp_path / "out" / name).read_bytes() for name in RESULTS}
    replay(small, raws, tmp_path)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in RESULTS} == first
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(RESULTS)


def test_how_many_lines_are_read_at_once_changes_nothing(city, recorded, replayed, tmp_path, monkeypatch):
    path, _ = recorded
    monkeypatch.setattr(replaying, "LINES", 37)
    Replay(city).run(path, tmp_path)
    for name in RESULTS:
        assert (replayed[0] / name).read_bytes() == (tmp_path / name).read_bytes(), name


# --- the books ------------------------------------------------------------------------------------------


def test_the_books_of_a_noisy_recording_add_up_and_say_what_was_put_in(recorded, replayed):
    (_, counts), (folder, found, _) = recorded, replayed
    assert found["read"] == counts["lines"]
    assert found["read"] == found["applied"] + found["duplicate"] + found["dead"]
    assert found["duplicate"] == counts["duplicates"]
    assert found["dead"] == counts["broken"] + counts["unknown_type"] + counts["no_datum"]
    assert found["applied"] == counts["events"] + counts["unknown_group"]
    assert json.loads((folder / "summary.json").read_bytes()) == found


def test_the_summary_counts_what_the_files_hold(city, replayed):
    folder, found, _ = replayed
    assert found["tasks"] == len(lines(folder / "tasks.jsonl"))
    assert found["campaign_events"] == len(lines(folder / "campaign-events.jsonl"))
    assert found["members"] == len(lines(folder / "members.jsonl"))
    assert found["dead"] == len(lines(folder / "dead-letters.jsonl"))
    assert found["campaigns"] == len(city.reference.campaigns)


def test_every_dead_letter_names_its_line_its_reason_and_what_it_was(small, tmp_path):
    raws = [
        builders.joined(), b"{", b"", builders.paid("never-placed"), builders.joined()[:-2] + b"\xff}}",
        builders.joined(),
    ]
    found = replay(small, raws, tmp_path)
    letters = lines(tmp_path / "out" / "dead-letters.jsonl")
    assert [(letter["line"], letter["raw"][:1]) for letter in letters] == [(2, "{"), (4, "{"), (5, "{")]
    assert base64.b64decode(letters[2]["raw_base64"]) == raws[4]
    assert "loupan.order.placed.v1 first" in letters[1]["reason"]
    assert letters[1]["raw"].encode() == raws[3]
    assert found | {"read": 5, "applied": 1, "duplicate": 1, "dead": 3} == found


def test_a_line_of_ten_megabytes_is_a_dead_letter_kept_whole(small, tmp_path):
    long = builders.message(text="长" * 3_500_000)
    found = replay(small, [builders.joined(), long, builders.joined(member="m2")], tmp_path)
    [letter] = lines(tmp_path / "out" / "dead-letters.jsonl")
    assert (letter["line"], letter["raw"].encode()) == (2, long)
    assert (found["applied"], found["dead"]) == (2, 1)


def test_a_line_too_long_for_memory_is_one_line_of_which_the_beginning_is_kept(small, tmp_path, monkeypatch):
    monkeypatch.setattr(replaying, "LONGEST_LINE", 2_000_000)
    found = replay(small, [b'"' + b"x" * 5_000_000, builders.joined(), b"y" * 2_000_000], tmp_path)
    letters = lines(tmp_path / "out" / "dead-letters.jsonl")
    assert [(letter["line"], len(letter["raw"])) for letter in letters] == [(1, 2_000_000), (3, 2_000_000)]
    assert found | {"read": 3, "applied": 1, "dead": 2} == found


@pytest.mark.parametrize("text", [
    b"%s\r\n%s\r\n", b"%s\n\n\n%s\n", b"%s\n%s", b"\n  \n%s\n%s\n",
], ids=["Windows", "empty lines", "no newline at the end", "an empty beginning"])
def test_line_ends_and_empty_lines_are_no_events(small, tmp_path, text):
    found = replay(small, text % (builders.joined(), builders.joined(member="m2")), tmp_path)
    assert found | {"read": 2, "applied": 2, "duplicate": 0, "dead": 0} == found


def test_an_empty_stream_lets_the_campaigns_run_to_their_end(small, tmp_path):
    found = replay(small, [], tmp_path)
    assert found | {"read": 0, "applied": 0, "members": 0} == found
    ended = lines(tmp_path / "out" / "campaign-events.jsonl")[-1]
    assert ended["type"] == "loupan.campaign.stage-ended.v1"


def test_one_event_of_the_far_future_is_a_dead_letter_and_the_rest_still_counts(small, tmp_path):
    raws = [*joins(20), builders.message(member="m1", at="2098-01-01T00:00:00+08:00"), builders.joined(member="m99")]
    found = replay(small, raws, tmp_path)
    assert found | {"read": 22, "applied": 21, "dead": 1} == found


# --- what is written ------------------------------------------------------------------------------------


def test_tasks_stand_in_the_order_of_issue_each_once_in_its_last_state(city, replayed):
    folder, *_ = replayed
    tasks = lines(folder / "tasks.jsonl")
    events = lines(folder / "campaign-events.jsonl")
    issued = [event["data"]["task_id"] for event in events if event["type"] == "loupan.task.issued.v1"]
    assert [task["task_id"] for task in tasks] == issued
    assert len(set(issued)) == len(issued)
    status = {}
    for event in events:
        if event["type"].startswith("loupan.task."):
            status[event["data"]["task_id"]] = event["data"]["status"]
    # Nobody marked a task in this stream: the last event of each says where it stands.
    assert {task["task_id"]: task["status"] for task in tasks} == status
    assert {task["status"] for task in tasks} <= {"expired", "withdrawn", "verified"}


def test_a_tasks_window_has_the_campaigns_offset(replayed):
    folder, *_ = replayed
    for task in lines(folder / "tasks.jsonl"):
        assert {said[-6:] for said in task["window"].values()} == {"+08:00"}


def test_the_campaign_events_are_cloudevents_with_ids_of_their_own(city, replayed):
    folder, *_ = replayed
    events = lines(folder / "campaign-events.jsonl")
    ids = Counter((event["source"], event["id"]) for event in events)
    assert max(ids.values()) == 1
    assert all(event["specversion"] == "1.0" and event["type"].startswith("loupan.") for event in events)


def test_members_stand_once_by_group_and_member(city, replayed):
    folder, *_ = replayed
    members = lines(folder / "members.jsonl")
    keys = [(member["group_id"], member["member_id"]) for member in members]
    assert keys == sorted(set(keys))
    assert set(members[0]) == {"group_id", "member_id", "estate_id", "confidence", "reason", "rung"}
    assert {member["estate_id"] for member in members if member["estate_id"]} <= set(city.reference.estates)
    assert len({member["rung"] for member in members}) > 3


def test_the_flow_is_geojson_with_a_feature_for_each_worked_estate(city, replayed):
    folder, *_ = replayed
    flow = json.loads((folder / "flow.geojson").read_bytes())
    assert flow["type"] == "FeatureCollection"
    worked = {feature["properties"]["estate_id"] for feature in flow["features"]}
    assert worked >= {plan.estate_id for plan in city.reference.campaigns}


def test_until_ends_the_run_of_the_clock(small, tmp_path):
    until = datetime.fromisoformat(at(3, "12:00"))
    replay(small, joins(20), tmp_path, until=until)
    events = lines(tmp_path / "out" / "campaign-events.jsonl")
    times = {datetime.fromisoformat(event["time"]) for event in events}
    assert max(times) <= until
    assert "loupan.campaign.stage-ended.v1" not in {event["type"] for event in events}
    assert datetime.fromisoformat(at(3, "07:00")) in times


def test_the_campaigns_of_the_reference_start_and_are_no_lines_of_the_stream(small, tmp_path):
    found = replay(small, [builders.joined()], tmp_path)
    assert found | {"read": 1, "applied": 1, "campaigns": 1} == found


def test_who_was_erased_is_in_no_file_not_even_among_the_dead_letters(small, tmp_path):
    raws = [
        *joins(20), builders.joined(member="wm-zhou", display_name="8栋小周", at=at(1, "09:00")),
        builders.message(member="wm-zhou", text="柜子多少钱", at=at(1, "10:00")),
        builders.message(member="wm-zhou", text="柜子多少钱", at=at(1, "10:01"))[:-5],
        builders.home_declared("wm-zhou", estate_id="no-such-estate", at=at(1, "10:02")),
        builders.erased("wm-zhou", at=at(1, "11:00")),
    ]
    found = replay(small, raws, tmp_path)
    assert found["dead"] == 2
    for name in RESULTS:
        written = (tmp_path / "out" / name).read_text()
        assert "wm-zhou" not in written, name
        assert "小周" not in written, name
    assert len(lines(tmp_path / "out" / "dead-letters.jsonl")) == 2


# --- progress and failure -------------------------------------------------------------------------------


def test_progress_grows_to_the_whole(recorded, replayed):
    (path, _), (*_, said) = recorded, replayed
    assert said == sorted(said)
    assert said[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_stream_that_is_not_there_is_said_and_nothing_is_written(small, tmp_path):
    with pytest.raises(BadFile, match=r"nowhere\.jsonl: cannot be read"):
        Replay(small).run(tmp_path / "nowhere.jsonl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_for_a_stream_is_said(small, tmp_path):
    with pytest.raises(BadFile, match="cannot be read"):
        Replay(small).run(tmp_path, tmp_path / "out")


def test_a_file_in_the_place_of_the_folder_is_said_and_left_as_it_is(small, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadFile, match="cannot be written"):
        replay(small, [], tmp_path)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_replay_that_fails_leaves_the_results_of_the_one_before(small, tmp_path, monkeypatch):
    replay(small, joins(5), tmp_path)
    before = {name: (tmp_path / "out" / name).read_bytes() for name in RESULTS}

    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(replaying, "_members", broken)
    with pytest.raises(ZeroDivisionError):
        replay(small, joins(9), tmp_path)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in RESULTS} == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(RESULTS)


def test_an_event_dated_years_ahead_does_not_drive_the_clock(tmp_path):
    lines = [builders.joined("g1", f"m{n}", at=at(1, "08:00")) for n in range(5)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([*lines, builders.message("g1", "m1", at="2031-01-01T00:00:00+08:00")]))
    assert believable_end(path) == datetime.fromisoformat(at(1, "08:00"))
    path.write_bytes(b"\n".join([*lines, builders.message("g1", "m1", at=at(30, "08:00"))]))
    assert believable_end(path) is None


def test_a_campaign_that_waits_for_a_group_that_never_comes_ends_a_replay_all_the_same(tmp_path):
    reference = builders.reference(groups=[], personas=[], campaigns=[builders.campaign(playbook=PLAYBOOK)])
    summary = replay(make_world(reference, builtin_playbooks()), b"", tmp_path)
    told = lines(tmp_path / "out" / "campaign-events.jsonl")
    assert [event["data"]["reached"] for event in told if event["type"] == "loupan.campaign.entry-ended.v1"] == [False]
    assert summary["campaigns"] == 1
