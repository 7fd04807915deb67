"""Who answers whom: replies and mentions, friends, and the four connections."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import connections, graph, people_rows
from agents.clock import measure
from agents.people_rows import RECENT, TIES, Connected, Ties, connected, ties
from agents.rows import CAMPAIGN
from agents.state import member_of
from tests import builders
from tests.agents.drive import Drive, crowd, world
from tests.builders import at


def say(member: str, text: str | None = "收房那天要带什么", clock: str = "09:00", day: int = 1, **data: Any) -> bytes:
    return builders.message(member=member, text=text, at=at(day, clock), **data)


def ties_of(drive: Drive, member: str) -> Ties:
    return drive.rows.get(ties("e1", "g1", member)) or Ties()


def edges(drive: Drive, member: str) -> dict[str, tuple[int, int]]:
    return {other: (said, heard) for other, said, heard in ties_of(drive, member).edges}


def talk(drive: Drive, first: str, second: str, times: int = 1) -> Drive:
    """Two answer each other so often."""
    for number in range(times):
        clock = f"{10 + number}:0"
        drive.send(say(first, f"对{number}", clock + "1", mentions=[second]))
        drive.send(say(second, f"是{number}", clock + "2", mentions=[first]))
    return drive


# --- replies --------------------------------------------------------------------------------------------


def test_a_reply_answers_whoever_wrote_the_message():
    drive = Drive().send(say("m1", message_id="a"), say("m2", "身份证和合同", "09:01", reply_to="a"))
    assert edges(drive, "m2") == {"m1": (1, 0)}
    assert edges(drive, "m1") == {"m2": (0, 1)}


def test_a_reply_to_what_nobody_remembers_answers_nobody():
    drive = Drive().send(say("m1"), say("m2", reply_to="never-seen", clock="09:01"))
    assert edges(drive, "m1") == edges(drive, "m2") == {}


def test_a_reply_that_also_mentions_its_author_is_one_answer():
    drive = Drive().send(say("m1", message_id="a"), say("m2", reply_to="a", mentions=["m1"], clock="09:01"))
    assert edges(drive, "m1") == {"m2": (0, 1)}


def test_nobody_answers_themselves():
    drive = Drive().send(say("m1", message_id="a"), say("m1", "补充一下", "09:01", reply_to="a", mentions=["m1"]))
    assert edges(drive, "m1") == {}


@pytest.mark.parametrize(("back", "known"), [(1, True), (100, True), (112, True), (200, False)])
def test_the_last_hundred_messages_can_be_answered(back: int, known: bool):
    drive = Drive().send(say("m1", message_id="a"), say("m4", "几号收房呢", "09:01", reply_to="a"))
    drive.send(*[say("m3", f"第{n}条消息说点什么", f"10:{n // 60:02}:{n % 60:02}") for n in range(back)])
    drive.send(say("m2", "身份证和合同", "12:00", reply_to="a"))
    assert ("m1" in edges(drive, "m2")) is known


def test_where_nobody_replies_no_more_than_two_chunks_are_ever_written():
    said = [say(f"m{n % 9}", f"第{n}条消息说点什么", f"10:00:{n:02}") for n in range(50)]
    drive = Drive().send(*said)
    drive.rows.keep()
    drive.send(say("m1", "第51条消息说点什么", "10:01"))
    assert [address for address in drive.rows.keep() if address[2] == RECENT] == []
    drive.send(say("m2", "说得有道理啊", "10:02", reply_to="lost"))
    drive.send(say("m1", "第52条消息说点什么", "10:03", message_id="x"))
    drive.send(say("m3", "这条说得对啊", "10:04", reply_to="x"))
    assert edges(drive, "m3") == {"m1": (1, 0)}, "from the first reply on they are remembered"


def test_words_that_nobody_answers_are_not_remembered():
    drive = Drive().send(say("m1"), say("m2", clock="09:01"))
    drive.rows.keep()
    drive.rows.put = None  # type: ignore[method-assign, assignment]  # whoever writes now fails
    drive.send(say("m1", "好的", "09:02"), say("m2", "哈哈", "09:03"))


def test_short_words_of_somebody_whom_people_answer_are_remembered():
    drive = Drive().send(say("m1"), say("m2", "问下", "09:01", mentions=["m1"]), say("m1", "可以", message_id="b"))
    drive.send(say("m3", "真的吗", "09:05", reply_to="b"))
    assert edges(drive, "m1") == {"m2": (0, 1), "m3": (0, 1)}


def test_no_chunk_of_authors_is_longer_than_sixteen():
    said = [say(f"m{n % 9}", f"第{n}条消息说点什么", f"10:{n // 60:02}:{n % 60:02}") for n in range(300)]
    drive = Drive().send(say("m1", message_id="a"), say("m2", "几号收房呢", "09:01", reply_to="a"), *said)
    chunks = [row for _, row in drive.rows.scan(CAMPAIGN, "e1", RECENT)]
    assert len(chunks) == 1 + people_rows.CHUNKS
    assert max(len(chunk.authors) for chunk in chunks) == people_rows.CHUNK
    assert all(len(chunk.hashes) == 4 * len(chunk.authors) for chunk in chunks)


# --- edges and friends ------------------------------------------------------------------------------------


def test_two_who_answered_each_other_twice_are_friends():
    drive = talk(Drive().send(*crowd(3)), "m1", "m2")
    assert drive.member("m1").friends == 0
    talk(drive, "m1", "m2", 2)
    assert (drive.member("m1").friends, drive.member("m2").friends, drive.member("m3").friends) == (1, 1, 0)


def test_a_gate_counts_who_is_answered_three_times_and_a_leader_is_answered_by_different_people():
    drive = Drive().send(*crowd(4), *[say("m2", "对", f"10:0{n}", mentions=["m1"]) for n in range(2)])
    assert (drive.member("m1").answered, drive.tally().key_people) == (1, 0)
    drive.send(say("m2", "对", "10:03", mentions=["m1"]))
    assert (drive.member("m1").answered, drive.tally().key_people) == (1, 1)


def test_an_edge_that_is_full_writes_nothing():
    drive = talk(Drive().send(*crowd(2)), "m1", "m2", 9)
    before = drive.members(), ties_of(drive, "m1"), ties_of(drive, "m2")
    drive.send(say("m1", "对", "20:00", mentions=["m2"]))
    after = drive.members(), ties_of(drive, "m1"), ties_of(drive, "m2")
    assert all(one is other for one, other in zip(before[1:], after[1:], strict=True))
    assert all(row is after[0][who] for who, row in before[0].items())


@given(st.lists(st.tuples(st.sampled_from([f"n{n}" for n in range(20)]), st.booleans()), max_size=150))
@settings(max_examples=40)
def test_the_strongest_edges_are_kept_and_none_counts_beyond_its_end(answers: list[tuple[str, bool]]):
    kept: tuple[tuple[str, int, int], ...] = ()
    for other, said in answers:
        kept = graph.with_edge(kept, other, int(said), int(not said))
    assert len(kept) <= graph.EDGES
    assert len({other for other, _, _ in kept}) == len(kept)
    assert all(0 < said + heard <= 2 * graph.COUNTED and max(said, heard) <= graph.COUNTED for _, said, heard in kept)


# --- the four connections -----------------------------------------------------------------------------------


def connections_of(drive: Drive) -> dict[str, float]:
    return {name: measure(drive.turns[-1])[name] for name in connections.CONNECTIONS}


def test_who_mentions_one_of_ours_is_connected_with_the_group():
    drive = Drive().send(*crowd(4), say("m1", mentions=["m-main"]))
    assert connections_of(drive) == {
        "persona_group": 0.25, "member_member": 0.0, "persona_active": 1.0, "persona_everyone": 0.0}


def test_whom_one_of_ours_answers_is_connected_in_person():
    drive = Drive().send(*crowd(4), say("m1", message_id="a"), say("m-main", "带身份证", "09:01", reply_to="a"))
    assert connections_of(drive) == {
        "persona_group": 0.25, "member_member": 0.0, "persona_active": 1.0, "persona_everyone": 0.25}


def test_who_replies_to_one_of_ours_is_connected():
    drive = Drive().send(*crowd(4), say("m-main", message_id="p"), say("m2", "谢谢提醒", "09:01", reply_to="p"))
    assert connections_of(drive)["persona_group"] == 0.25
    assert edges(drive, "m2") == {}, "our people are no neighbours"


def test_members_with_three_friends_are_connected_with_each_other():
    drive = Drive().send(*crowd(8))
    for other in ("m2", "m3", "m4"):
        talk(drive, "m1", other, 2)
    assert connections_of(drive)["member_member"] == 0.125


def test_in_a_new_phase_nobody_who_is_active_has_met_us_yet():
    drive = Drive().send(builders.campaign_started(), *crowd(4, clock="06:30"), say("m1", mentions=["m-main"]))
    drive.send(say("m2", clock="09:30")).until(5, "08:00")
    assert connections_of(drive)["persona_active"] == 0.0
    assert connections_of(drive)["persona_group"] == 0.25
    drive.send(say("m1", day=5, clock="09:00"))
    assert connections_of(drive)["persona_active"] == 1.0


def test_a_gate_may_ask_for_a_connection():
    plan = builders.playbook_data()
    plan["stages"][0]["phases"][0]["gate"] = {"persona_group": 0.5}
    assert builders.playbook(**plan).stages[0].phases[0].gate.asked() == {"persona_group": 0.5}


def test_the_flow_map_shows_the_connections_of_each_group():
    drive = Drive().send(*crowd(4), say("m1", mentions=["m-main"]))
    shown = drive.flow()["connections"]
    assert shown["persona_group"] == shown["groups"]["g1"]["persona_group"] == 0.25


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6), st.booleans()), max_size=40))
@settings(max_examples=25, deadline=None)
def test_the_counts_of_connections_are_what_the_rows_say(talked: list[tuple[int, int, bool]]):
    drive = Drive().send(*crowd(5))
    people = {6: "m-main"}
    for number, (one, other, leaves) in enumerate(talked):
        clock = f"{9 + number // 60:02}:{number % 60:02}"
        drive.send(say(f"m{one}", "对", clock, mentions=[people.get(other, f"m{other}")], id=f"t{number}"))
        if leaves and number % 5 == 0:
            drive.send(builders.left(member=f"m{one}", at=at(1, clock), id=f"l{number}"))
    rows = [row for (group, _), row in drive.members().items() if group == "g1"]
    known = drive.rows.get(connected("e1", "g1")) or Connected()
    assert known == connections.counted(drive.turns[-1], rows)


# --- forgetting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forgets", [builders.erased, builders.consent])
def test_who_is_forgotten_is_nobodys_friend_and_no_messages_author(forgets: Any):
    drive = talk(Drive().send(*crowd(3), say("m1", message_id="a")), "m1", "m2", 2)
    assert drive.member("m2").friends == 1
    drive.send(forgets("m1", at=at(1, "15:00")))
    assert drive.member("m2").friends == 0
    assert edges(drive, "m2") == {}
    assert drive.rows.get(ties("e1", "g1", "m1")) is None
    assert all("m1" not in chunk.authors for _, chunk in drive.rows.scan(CAMPAIGN, "e1", RECENT))
    drive.send(say("m3", "说得对啊朋友", "16:00", reply_to="a"))
    assert edges(drive, "m3") == {}


def test_of_a_group_that_went_to_another_estate_no_ties_are_kept():
    reference = builders.reference(estates=[builders.estate(), builders.estate("e2", "翡翠湾", lng=116.46)])
    drive = talk(Drive(world(reference)).send(*crowd(3)), "m1", "m2")
    drive.send(builders.group_updated(at=at(1, "15:00"), estate_id="e2"))
    assert [member_of(sub) for sub, _ in drive.rows.scan(CAMPAIGN, "e1", TIES)] == []
