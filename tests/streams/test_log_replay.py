"""The log of estate-events, recorded from a database and replayed by the commands: everything again, byte for byte."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from streams.demo.people import demo_reference
from streams.demo.writing import write_reference
from streams.embedded import Pipeline
from streams.inbox import Door
from streams.reference_files import read_folder
from streams.reference_store import save_reference
from streams.starting import campaign_starts
from streams.worlds import make_world
from tests import builders as b
from tests.databases import opened
from tests.streams.test_cli import loupan, refused


def lived(database: Path, folder: Path) -> None:
    """A week of three groups, worked by the pipeline."""
    read = read_folder(folder)
    world = make_world(read.reference, read.playbooks)
    engine = opened(database)
    with engine.begin() as connection:
        save_reference(connection, read.reference, read.playbook_texts)
        raws = campaign_starts(read.reference, world.default.zone)  # type: ignore[arg-type]  # a ZoneInfo
        groups = sorted(read.reference.groups)
        for day in range(1, 6):
            for hour in range(8, 20):
                group = groups[hour % len(groups)]
                raws.append(b.message(
                    group=group, member=f"m{hour}", text="我是3栋的，柜子大概多少钱", at=b.at(day, f"{hour:02d}:00")))
        Door().accept(connection, raws)
    pipeline = Pipeline(engine, world, Door())
    while pipeline.work():
        pass
    due = pipeline.next_due()
    assert due is not None
    while pipeline.run_out(due + timedelta(days=10)):
        pass
    engine.dispose()


def test_a_recorded_log_gives_every_task_and_event_again(tmp_path):
    folder = tmp_path / "reference"
    write_reference(demo_reference(b.DAY_1, groups=3), folder)
    lived(tmp_path / "lived.db", folder)
    done = loupan("admin", "log", "--database", "lived.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "log.jsonl").write_bytes(done.stdout)
    done = loupan("replay", "log.jsonl", "--estate-events", "--reference", folder, "--out", "again", "--json",
                  cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["read"] == said["applied"] > 100
    engine = opened(tmp_path / "lived.db")
    with engine.connect().execution_options(reading=True) as connection:
        sql = connection.exec_driver_sql
        tasks = sql("SELECT body FROM tasks ORDER BY seq, task_id").scalars().all()
        out = sql('SELECT raw FROM outbox ORDER BY "offset"').scalars().all()
    engine.dispose()
    assert (tmp_path / "again" / "tasks.jsonl").read_bytes().splitlines() == tasks
    assert (tmp_path / "again" / "campaign-events.jsonl").read_bytes().splitlines() == out


def test_a_line_that_is_no_record_is_named(tmp_path):
    folder = tmp_path / "reference"
    write_reference(demo_reference(b.DAY_1, groups=3), folder)
    (tmp_path / "log.jsonl").write_bytes(b'\n{"estate_id": "e1"}\n')
    said = refused("replay", "log.jsonl", "--estate-events", "--reference", folder, "--out", "again", cwd=tmp_path)
    assert said.startswith("loupan: log.jsonl:2: is no record of estate-events")
    assert not (tmp_path / "again" / "tasks.jsonl").exists()
