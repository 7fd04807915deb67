"""Several versions of one playbook: in a folder, in the database, and in campaigns that are played by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from schemas.errors import BadPlaybook, BadReference
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.living import Living
from streams.playbook_files import builtin_playbooks, load_playbook, written
from streams.reference_files import read_folder
from streams.reference_store import keep_shipped, load_reference, reference_version, save_reference, upsert
from streams.sql import sql_of
from streams.worlds import make_world
from tests import builders
from tests.agents.test_stages import DAYS, both
from tests.builders import at
from tests.databases import opened
from tests.streams.test_playbook_files import PATCH
from tests.streams.test_reference_files import folder, playbook_text

DEALERS = """
patch: small-test.d2
version: 1
base: small-test
base_version: 1
by: dealer
dealer_id: d2
replace:
  warm-up-1-morning: {text: "早，{{ dealer.name }}的客人"}
"""


def stored(engine: Engine, *texts: tuple[str, str]) -> None:
    with engine.begin() as connection:
        save_reference(connection, builders.reference(), dict(texts))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return opened(tmp_path / "loupan.db")


# --- in a folder --------------------------------------------------------------------------------------


def test_a_folder_holds_several_versions_of_one_playbook(tmp_path):
    found = read_folder(folder(tmp_path, playbooks__two_yaml=playbook_text(version=2)))
    assert {name: found.playbooks[name].version for name in ("small-test", "small-test@1")} == {
        "small-test": 2, "small-test@1": 1}
    assert set(found.playbook_texts) == {"small-test@1", "small-test@2"}


def test_a_patch_of_a_folder_is_stored_as_what_it_makes(tmp_path, engine):
    found = read_folder(folder(tmp_path, playbooks__tiles_yaml=PATCH, playbooks__dealer_yaml=DEALERS))
    assert {"new-estate-own-group.tiles", "small-test.d2"} < set(found.playbooks)
    with engine.begin() as connection:
        save_reference(connection, found.reference, found.playbook_texts)
    with engine.connect() as connection:
        assert load_reference(connection)[1] == found.playbooks


def test_a_campaign_is_not_planned_by_a_dealers_variant(tmp_path):
    campaigns = "estate_id,playbook,stage,start_date\ne1,small-test.d2,1,2026-03-02\n"
    with pytest.raises(BadReference, match=r"campaigns.csv:2: the playbook small-test.d2 is the variant of dealer d2"):
        read_folder(folder(tmp_path, playbooks__dealer_yaml=DEALERS, campaigns_csv=campaigns))


def test_a_patch_for_a_dealer_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(BadReference, match=r"playbooks/dealer.yaml:1: unknown dealer_id d9; put it into dealers.csv"):
        read_folder(folder(tmp_path, playbooks__dealer_yaml=DEALERS.replace("dealer_id: d2", "dealer_id: d9")))


# --- in the database ----------------------------------------------------------------------------------


def test_a_version_that_was_stored_stays_when_a_newer_one_comes(engine):
    stored(engine, ("small-test@1", written(both("旧：", 1))))
    stored(engine, ("small-test@2", written(both("新：", 2))))
    with engine.connect() as connection:
        playbooks = load_reference(connection)[1]
    assert (playbooks["small-test"], playbooks["small-test@1"]) == (both("新：", 2), both("旧：", 1))


def test_a_playbook_that_was_stored_by_its_bare_name_is_still_read(engine):
    with engine.begin() as connection:
        body = json.dumps(written(both("旧：", 1)), ensure_ascii=False).encode()
        connection.execute(upsert("sqlite"), [{"kind": "playbook", "id": "small-test", "body": body}])
    stored(engine, ("small-test@2", written(both("新：", 2))))
    with engine.connect() as connection:
        assert load_reference(connection)[1]["small-test@1"] == both("旧：", 1)


def test_a_playbook_that_shipped_once_stays_for_the_campaigns_that_are_played_by_it(engine, monkeypatch):
    now = builtin_playbooks()
    older = now["new-estate-own-group"]
    with engine.begin() as connection:
        keep_shipped(connection)
    newer = older.model_copy(update={"version": older.version + 1})
    monkeypatch.setattr("streams.reference_store.builtin_playbooks", lambda: {**now, newer.playbook: newer})
    with engine.connect() as connection:
        playbooks = load_reference(connection)[1]
    assert playbooks["new-estate-own-group"] is newer
    assert playbooks[f"new-estate-own-group@{older.edition}"] == older


def test_an_older_version_that_is_wrong_by_todays_rules_is_left_out_and_the_newest_is_refused(engine):
    wrong = written(both("我家也装了，", 1))
    stored(engine, ("small-test@1", wrong), ("small-test@2", written(both("新：", 2))))
    with engine.connect() as connection:
        playbooks = load_reference(connection)[1]
    assert [name for name in playbooks if name.startswith("small-test")] == ["small-test"]
    stored(engine, ("small-test@3", wrong.replace('"version":1', '"version":3', 1)))
    with engine.connect() as connection, pytest.raises(BadPlaybook, match=r"playbooks/small-test@3.yaml"):
        load_reference(connection)


def test_what_is_written_is_read_back_as_the_same():
    for playbook in (*builtin_playbooks().values(), load_playbook(PATCH, "tiles.yaml")):
        assert load_playbook(written(playbook), "x.yaml") == playbook
        assert yaml.safe_load(written(playbook))["playbook"] == playbook.playbook


# --- in campaigns -------------------------------------------------------------------------------------


def test_a_playbook_changed_mid_campaign_over_the_database(engine):
    """The version of a campaign goes on, from the store, also after a restart; its next stage takes the newest."""
    stored(engine, ("small-test@1", written(both("旧：", 1))))
    with engine.connect() as connection:
        living = Living(engine, make_world(*load_reference(connection)), reference_version(connection))
    door = Door()
    pipeline = Pipeline(engine, living.world(), door)
    take(engine, door, builders.campaign_started(), builders.message(at=at(2, "09:00")))
    while pipeline.work():
        pass

    stored(engine, ("small-test@2", written(both("新：", 2))))
    assert living.look()
    pipeline = Pipeline(engine, living.world(), door)
    take(engine, door, builders.message(at=at(DAYS + 1, "09:00")))
    while pipeline.work():
        pass

    said = mornings(engine)
    assert [words for stage, day, words in said if stage == 1] == ["旧"] * DAYS
    assert [words for stage, day, words in said if stage == 2] == ["新"]
    with engine.connect() as connection:
        assert sql_of(connection)("SELECT count(*) FROM dead_letters").scalar() == 0


def take(engine: Engine, door: Door, *raws: bytes) -> None:
    with engine.begin() as connection:
        assert {answer.status for answer in door.accept(connection, raws)} == {"accepted"}


def mornings(engine: Engine) -> list[tuple[int, int, str]]:
    """The first character of the main persona's words, by stage and day."""
    with engine.connect() as connection:
        tasks = [json.loads(bytes(body)) for (body,) in sql_of(connection)("SELECT body FROM tasks ORDER BY seq")]
    return sorted(
        (task["stage"], task["day"], task["script"]["text"][0]) for task in tasks
        if task["role"] == "main_persona" and "morning" in task["script"]["id"])
