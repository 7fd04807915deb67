"""Groups' details as events: who joined by which link, who is gone, what a group is called now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import select

from agents.rows import PLACEMENT
from agents.state import MEMBER_HOME, MemberHome
from maps.clues import ClueKind
from schemas.errors import Refused, Unavailable
from streams.commands import wecom as commands
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.playbook_files import builtin_playbooks
from streams.rows import StoredRows
from streams.tables import inbox
from streams.wecom.client import WAITS, Api
from streams.wecom.groups import SETTLING, Groups, members_of
from streams.wecom.marks import due_chats, put_due
from streams.worlds import make_world
from tests.databases import opened
from tests.streams.gateway_world import NOW, two_dealers
from tests.streams.wecom.company import SECRET, Company, chat, customer

JOINED = 1772409600


@pytest.fixture
def engine(tmp_path):
    engine = opened(tmp_path / "loupan.db")
    yield engine
    engine.dispose()


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def api(company: Company, waited: list[float]) -> Iterator[Api]:
    api = Api("ww1", SECRET, waited.append, company.address)
    yield api
    api.close()


@pytest.fixture
def groups(engine, api) -> Groups:
    door = Door(now=lambda: NOW)

    def accept(raws, origin):
        with engine.begin() as connection:
            return door.accept(connection, raws, origin)

    return Groups(api, engine, accept, two_dealers(), lambda: NOW)


def kept(engine):
    with engine.connect().execution_options(reading=True) as connection:
        raws = connection.execute(select(inbox.c.raw).order_by(inbox.c.offset)).scalars().all()
    events = [msgspec.json.decode(raw) for raw in raws]
    return [(event["type"].split(".")[2], event["data"]) for event in events]


def worked(engine):
    """Let the pipeline work what came in."""
    pipeline = Pipeline(engine, make_world(two_dealers(), builtin_playbooks()), Door(now=lambda: NOW))
    while pipeline.work():
        pass


def home(engine, group_id, member_id):
    with engine.connect().execution_options(reading=True) as connection:
        rows = StoredRows()
        rows.attach(connection)
        found: MemberHome = rows.get((PLACEMENT, group_id, MEMBER_HOME, member_id))
    return found


def test_a_group_and_its_members_become_events_with_the_links_code(engine, company, groups):
    company.chats["wr1"] = chat(
        "wr1", {"userid": "zhang", "type": 1, "join_time": JOINED - 9, "join_scene": 1, "invitor": {"userid": "li"}},
        customer("wm1", state="e1", invitor={"userid": "zhang"}), customer("wm2", group_nickname="", name="小李"))
    assert groups.all() == {"groups": 1, "accepted": 4}
    assert kept(engine) == [
        ("updated", {"group_id": "wr1", "name": "绿地城业主群", "owner_id": "zhang", "notice": "文明沟通，拒绝脏话"}),
        ("member-joined", {"group_id": "wr1", "member_id": "zhang", "join_scene": 1, "invited_by": "li"}),
        ("member-joined", {"group_id": "wr1", "member_id": "wm1", "display_name": "3-2-1201 小王", "join_state": "e1",
                           "join_scene": 3, "invited_by": "zhang"}),
        ("member-joined", {"group_id": "wr1", "member_id": "wm2", "display_name": "小李", "join_scene": 3}),
    ]


def test_the_code_in_the_link_places_the_member(engine, company, groups):
    company.chats["wr1"] = chat("wr1", customer("wm1", state="estate:e1"), name="", notice="")
    groups.all()
    worked(engine)
    found = home(engine, "wr1", "wm1")
    assert found.estate_id == "e1"
    assert ClueKind.JOIN_CODE in {clue.kind for clue in found.clues}


def test_nothing_is_told_twice(engine, company, groups):
    company.chats["wr1"] = chat("wr1", customer("wm1"))
    groups.all()
    before = kept(engine)
    assert groups.all() == {"groups": 1, "duplicate": 1}
    assert kept(engine) == before


def test_only_those_who_joined_since_are_told_again(engine, company, groups):
    company.chats["wr1"] = chat("wr1", *(customer(f"wm{n}", JOINED + 4000 * n) for n in range(5)))
    groups.all()
    company.chats["wr1"]["member_list"].append(customer("wm9", JOINED + 20_000))
    assert groups.all() == {"groups": 1, "accepted": 1, "duplicate": 1}


def test_a_member_who_is_not_there_any_more_has_left(engine, company, groups):
    company.chats["wr1"] = chat("wr1", customer("wm1"), customer("wm2"))
    groups.all()
    worked(engine)
    assert home(engine, "wr1", "wm2").present
    company.chats["wr1"]["member_list"].pop()
    groups.all()
    assert kept(engine)[-1] == ("member-left", {"group_id": "wr1", "member_id": "wm2"})
    worked(engine)
    assert not home(engine, "wr1", "wm2").present
    count = len(kept(engine))
    groups.all()
    assert len(kept(engine)) == count


def test_an_answer_without_members_drives_nobody_out(engine, company, groups):
    company.chats["wr1"] = chat("wr1", customer("wm1"))
    groups.all()
    worked(engine)
    company.chats["wr1"]["member_list"] = []
    groups.all()
    assert [what for what, _ in kept(engine)] == ["updated", "member-joined"]


def test_a_name_that_changes_and_changes_back_is_told_each_time(engine, company, groups, monkeypatch):
    company.chats["wr1"] = chat("wr1")
    for name in ("A", "B", "B", "A"):
        company.chats["wr1"]["name"] = name
        groups.all()
        monkeypatch.setattr("tests.streams.wecom.test_groups.NOW", NOW.replace(second=len(kept(engine))))
    assert [data["name"] for what, data in kept(engine)] == ["A", "B", "A"]


def test_what_a_callback_marked_is_fetched_and_what_was_marked_meanwhile_stays(engine, company, groups, monkeypatch):
    company.chats |= {name: chat(name) for name in ("wr1", "wr2", "wr3")}
    with engine.begin() as connection:
        put_due(connection, ["wr2", "wr3", "archive"], 5)
    fetch = company._answer

    def marked_meanwhile(name, query, said):
        if said.get("chat_id") == "wr3":
            with engine.begin() as connection:
                put_due(connection, ["wr3"], 9)
        return fetch(name, query, said)

    monkeypatch.setattr(company, "_answer", marked_meanwhile)
    assert groups.changed() == {"groups": 2, "accepted": 2}
    with engine.connect() as connection:
        assert due_chats(connection, 10**15) == ["wr3"]
    assert "externalcontact/groupchat/list" not in company.asked


def test_a_group_that_has_just_changed_is_left_until_wecom_has_its_new_details(engine, company, groups):
    company.chats["wr1"] = chat("wr1")
    now = int(NOW.timestamp() * 1000)
    with engine.begin() as connection:
        put_due(connection, ["wr1"], now - SETTLING + 1)
    assert groups.changed() == {}
    with engine.begin() as connection:
        put_due(connection, ["wr1"], now - SETTLING)
    assert groups.changed()["groups"] == 1


def test_a_group_that_is_gone_is_counted_and_not_asked_for_again(engine, company, groups):
    with engine.begin() as connection:
        put_due(connection, ["wr-gone"], 5)
    assert groups.changed() == {"gone": 1}
    assert groups.changed() == {}


def test_it_goes_on_with_groups_that_change_until_it_is_told_to_end(engine, company, groups, monkeypatch):
    monkeypatch.setattr(commands, "CHANGED", 0.01)
    company.chats |= {"wr1": chat("wr1"), "wr2": chat("wr2")}
    stop = threading.Event()
    thread = threading.Thread(target=commands._follow, args=(groups, stop), kwargs={"as_json": True})
    thread.start()
    for count, name in enumerate(("wr1", "wr2"), start=1):
        company.codes = [45009]
        with engine.begin() as connection:
            put_due(connection, [name], 5)
        end = time.monotonic() + 20
        while len(kept(engine)) < count and time.monotonic() < end:
            time.sleep(0.01)
    stop.set()
    thread.join(20)
    assert [data["group_id"] for _, data in kept(engine)] == ["wr1", "wr2"]


def test_it_ends_after_the_group_at_hand(company, groups):
    company.chats |= {f"wr{n}": chat(f"wr{n}") for n in range(3)}
    groups._stopped = iter([False, False, True]).__next__
    assert groups.all()["groups"] == 2


def test_the_table_names_estate_and_dealer_where_links_and_owner_tell_them(company, groups):
    company.chats |= {
        "wr1": chat("wr1", customer("wm1", state="e1"), customer("wm2", state="other"), owner="w-zhang"),
        "wr2": chat("wr2", customer("wm1", state="e1"), customer("wm2", state="e2"), name='"大群", 一'),
    }
    groups.all()
    header, first, second = groups.table().splitlines()
    assert header == "group_id,name,kind,estate_id,dealer_id,store_id,owner_id,open"
    assert first.startswith("wr1,绿地城业主群,own,e1,")
    assert second == 'wr2,"""大群"", 一",own,,,,zhang,true'


@pytest.mark.parametrize("members", [None, "x", [None, 3, {}, {"userid": 7, "join_time": 1}, {"userid": "a"}]])
def test_members_of_another_form_are_left_out(members):
    assert members_of({"member_list": members}) == []


# --- asking --------------------------------------------------------------------------------------------------


def test_groups_come_page_by_page_under_one_token(company, api):
    company.page = 2
    company.chats |= {f"wr{n}": chat(f"wr{n}") for n in range(5)}
    assert list(api.chats()) == [f"wr{n}" for n in range(5)]
    assert company.asked == ["gettoken", *["externalcontact/groupchat/list"] * 3]


def test_a_token_that_has_ended_is_fetched_again(company, api):
    company.chats["wr1"] = chat("wr1")
    api.chat("wr1")
    company.tokens += 1
    assert api.chat("wr1")["chat_id"] == "wr1"
    assert company.asked.count("gettoken") == 2


def test_what_is_asked_too_often_is_asked_again_later(company, api, waited):
    company.chats["wr1"] = chat("wr1")
    company.codes = [45009, 45033, -1]
    assert api.chat("wr1")["chat_id"] == "wr1"
    assert waited == list(WAITS[:3])


def test_after_some_times_it_is_left_for_later(company, api, waited):
    company.codes = [45009] * 20
    with pytest.raises(Unavailable, match="too often"):
        api.chat("wr1")
    assert waited == list(WAITS)


@pytest.mark.parametrize(("code", "says"), [(60020, "企业可信IP"), (48002, "可调用接口的应用"), (99999, "99999")])
def test_what_is_refused_says_what_to_do(company, api, code, says):
    company.codes = [code]
    with pytest.raises(Refused, match=says):
        api.chat("wr1")


def test_a_wrong_secret_is_named_and_not_shown(company):
    api = Api("ww1", "another-secret", lambda _: None, company.address)
    with pytest.raises(Refused, match="LOUPAN_WECOM_SECRET") as refused:
        list(api.chats())
    assert "another-secret" not in str(refused.value)
    api.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"errcode": "0"}', b"\xff"])
def test_an_answer_of_another_form_is_said(company, api, body):
    company.body = body
    with pytest.raises(Unavailable, match="answers"):
        list(api.chats())


def test_who_does_not_answer_is_unavailable_and_no_secret_is_said(company):
    api = Api("ww1", SECRET, lambda _: None, "http://127.0.0.1:9", timeout=0.5)
    with pytest.raises(Unavailable, match="gettoken") as failed:
        list(api.chats())
    assert SECRET not in str(failed.value)
    api.close()
