"""The commands, as somebody types them: what they do, and the one plain line when something is wrong."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import insert
from typer.main import get_command

from schemas.tasks import Window
from streams.cli import COMMANDS, app
from streams.demo.people import demo_reference
from streams.demo.writing import write_reference
from streams.inbox import Door
from streams.simulated import say_simulated
from streams.tables import tasks
from tests import builders as b
from tests import commands
from tests.databases import opened
from tests.streams.gateway_world import task

LOUPAN = [sys.executable, "-c", "from streams.cli import main; main()"]


def loupan(*words: object, cwd: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return commands.run(*words, cwd=cwd, stdin=stdin)


def refused(*words: object, cwd: Path, status: int = 2) -> str:
    """Run a command that must be refused in one line; gives the line."""
    done = loupan(*words, cwd=cwd)
    lines = done.stderr.decode().strip().splitlines()
    assert (done.returncode, len(lines)) == (status, 1), done.stderr.decode()
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference folder: the demo's city with three groups."""
    directory = tmp_path_factory.mktemp("reference")
    write_reference(demo_reference(b.DAY_1, groups=3), directory)
    return directory


@pytest.fixture(scope="module")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, whose campaigns begin tomorrow: what is imported lives by the machine's clock."""
    return reference_of(tmp_path_factory.mktemp("coming"), days=1)


def reference_of(directory: Path, days: int) -> Path:
    """The reference folder whose first campaigns begin in so many days."""
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    write_reference(demo_reference((today + timedelta(days=days)).isoformat(), groups=3), directory)
    return directory


@pytest.fixture(scope="module")
def group(folder: Path) -> str:
    return next(iter(demo_reference(b.DAY_1, groups=3).groups))


# --- replay ---------------------------------------------------------------------------------------


def test_replay_writes_its_six_files_and_books_that_add_up(folder, group, tmp_path):
    events = [b.joined(group, f"m{n}", at=b.at(1, f"08:{n:02d}")) for n in range(30)]
    lines = [*events, events[0], b"{", b.message(group, "m1", "多少钱一平", at=b.at(1, "09:30"))]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n\n")
    done = loupan("replay", "events.jsonl", "--reference", folder, "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["read"], summary["applied"], summary["duplicate"], summary["dead"]) == (33, 31, 1, 1)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "tasks.jsonl", "campaign-events.jsonl", "members.jsonl", "flow.geojson", "dead-letters.jsonl", "summary.json"}
    (letter,) = [json.loads(line) for line in (tmp_path / "out/dead-letters.jsonl").read_text().splitlines()]
    assert (letter["line"], letter["raw"]) == (32, "{")
    assert summary["tasks"] == len((tmp_path / "out/tasks.jsonl").read_text().splitlines()) > 100


def test_replay_stops_its_clock_where_it_is_told_to(folder, group, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b.joined(group, "m1", at=b.at(1, "06:00")) + b"\n")
    done = loupan(
        "replay", "events.jsonl", "--reference", folder, "--out", "out", "--until", b.at(1, "12:00"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tasks = [json.loads(line) for line in (tmp_path / "out/tasks.jsonl").read_text().splitlines()]
    assert {task["day"] for task in tasks} == {1}


def test_a_bad_reference_is_one_line_and_nothing_is_written(folder, tmp_path):
    (tmp_path / "estates.csv").write_text("estate_id,name,lng,lat,crs\ne1,绿地城,126.5,45.7,\n")
    (tmp_path / "events.jsonl").write_bytes(b.message() + b"\n")
    line = refused("replay", "events.jsonl", "--reference", ".", "--out", "out", cwd=tmp_path)
    assert "estates.csv:2" in line
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_named(folder, tmp_path):
    assert "nothing.jsonl" in refused("replay", "nothing.jsonl", "--reference", folder, "--out", "out", cwd=tmp_path)
    assert "nowhere" in refused("import", "nowhere", cwd=tmp_path)
    assert "no such database" in refused("tasks", "tail", cwd=tmp_path)


def test_an_unknown_option_ends_with_status_2(tmp_path):
    assert loupan("replay", "--wrong", cwd=tmp_path).returncode == 2


def test_a_bad_setting_is_named(folder, tmp_path, monkeypatch):
    loupan("import", folder, cwd=tmp_path)
    monkeypatch.setenv("LOUPAN_LOG_LEVEL", "shout")
    assert "LOUPAN_LOG_LEVEL" in refused("serve", "--port", "0", cwd=tmp_path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("replay", "--wrong"), "no such option: --wrong"),
        (("import",), "missing argument"),
        (("import", "estates"), "estates: no file of listings is named; say: loupan import estates FILE…"),
        (("import", "estates", "nothing.csv"), "nothing.csv: there is no such file"),
        (("import", "estates", "folder"), "folder: is a folder"),
        (("import", "estates", "gbk.yaml"), "gbk.yaml:1: the file is in GBK, not UTF-8"),
        (("import", "folder", "--dry-run"), "--dry-run: is for listings of estates; say: loupan import estates FILE"),
        (("import", "folder", "gbk.yaml"), "gbk.yaml: is a second folder"),
        (("import", "estates", "gbk.yaml", "--crs", "utm"), "--crs: there is no datum utm; say wgs84, gcj02 or bd09"),
        (("import", "estates", "gbk.yaml", "--report", "gbk.yaml"), "gbk.yaml: is there already; name a file that is"),
        (("nothing",), "no such command"),
        (("publish", "folder"), "folder: is a folder"),
        (("signals", "folder"), "folder: is a folder"),
        (("playbook", "show", "folder"), "folder: is a folder"),
        (("playbook", "show", "gbk.yaml"), "gbk.yaml: is not UTF-8"),
        (("playbook", "new", "nowhere/mine.yaml"), "nowhere/mine.yaml: cannot be written"),
        (("publish", "-", "--database", "typing-error.db"), "typing-error.db: there is no such database"),
        (("tasks", "tail", "--database", "folder"), "folder: is a folder"),
        (("demo", "--write-reference", "gbk.yaml"), "gbk.yaml: cannot be written"),
        (("demo", "--start", "9999-12-31"), "9999-12-31 is too far away"),
        (("dead-letters", "retry", 2**63), "invalid value for 'ids'"),
        (("tokens", "create"), "missing argument 'role'; choose from: hq, region, dealer, store, integration; see"),
        (("tokens", "create", "king"), "invalid value for 'role': 'king' is not one of 'hq', 'region'"),
        (("tokens", "create", "region"), "--city: a region's token names its cities, and nothing else; say --city"),
        (("playbook", "new", "mine.yaml", "--name", "p"), "--name: 'p' is no name for a playbook; write 2 to 64 small"),
        (("playbook", "new", "P.yaml"), "P.yaml: 'P' is no name for a playbook; write 2 to 64 small letters, digits"),
        (("demo", "--port", "0", "--host", "bad..host"), "--host: there is no host bad..host; name one of"),
    ],
)
def test_whatever_is_wrong_is_one_sentence_and_status_2(words, says, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "gbk.yaml").write_bytes("打法".encode("gbk"))
    assert says in refused(*words, cwd=tmp_path)
    assert not (tmp_path / "typing-error.db").exists()


def test_an_unknown_time_zone_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("LOUPAN_ZONE", "Mars/Olympus")
    assert "LOUPAN_ZONE: there is no time zone Mars/Olympus" in refused("import", folder, cwd=tmp_path)


def test_output_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("wb") as nowhere:
        done = subprocess.run(
            [*LOUPAN, "asyncapi"], cwd=tmp_path, stdout=nowhere, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"loupan: the output cannot be written: no space left on device\n")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    for words in ("asyncapi", "playbook show new-estate-own-group"):
        process = subprocess.Popen(
            [*LOUPAN, *words.split()], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, b"")


def test_a_terminal_without_chinese_is_no_reason_to_end(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for words, opens in ((["playbook", "show"], b"alliance-group  \\u"), (["--help"], b"")):
        done = subprocess.run([*LOUPAN, *words], cwd=tmp_path, capture_output=True, timeout=60, check=True)
        assert done.stdout.startswith(opens)


def test_the_help_of_the_program_says_what_each_command_says_of_itself():
    group: Any = get_command(app)
    said = {name: group.get_command(None, name).help.partition(". ")[0].rstrip(".") for name in COMMANDS}
    assert said == {name: sentence.rstrip(".") for name, (_, sentence) in COMMANDS.items()}


def test_the_help_of_the_program_needs_none_of_its_commands(tmp_path):
    program = """
import sys
from streams.cli import main
sys.argv = ["loupan", "--help"]
try:
    main()
finally:
    assert not [name for name in sys.modules if name.startswith(("streams.commands", "sqlalchemy"))]
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# --- import, publish, dead letters -------------------------------------------------------------------


def test_importing_twice_changes_nothing_the_second_time(coming, tmp_path):
    first = json.loads(loupan("import", coming, "--json", cwd=tmp_path).stdout)
    again = json.loads(loupan("import", coming, "--json", cwd=tmp_path).stdout)
    assert (first["campaigns_started"], first["campaigns_late"], first["campaigns_over"]) == (3, 0, 0)
    assert (again["new"], again["changed"], again["campaigns_started"]) == (0, 0, 0)


def test_a_campaign_that_cannot_run_any_more_is_not_started_and_this_is_said(folder, tmp_path):
    done = loupan("import", folder, "--json", cwd=tmp_path)
    counts = json.loads(done.stdout)
    assert (counts["campaigns_started"], counts["campaigns_over"]) == (0, 3)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("campaigns.csv: 3 with a start_date before today (")
    assert "on 2026-03-02, could not be running any more and were not started" in line


def test_a_campaign_whose_start_is_past_begins_late_and_this_is_said_once(tmp_path):
    directory = reference_of(tmp_path / "reference", days=-5)
    done = loupan("import", directory, "--json", cwd=tmp_path)
    counts = json.loads(done.stdout)
    assert (counts["campaigns_started"], counts["campaigns_late"], counts["campaigns_over"]) == (3, 3, 0)
    assert "begin late: their day 1 is the day on which" in done.stderr.decode()
    assert loupan("import", directory, cwd=tmp_path).stderr == b""


def test_what_is_written_to_start_from_can_be_imported_today(tmp_path):
    assert b"begin on 20" in loupan("demo", "--write-reference", "out", "--groups", "3", cwd=tmp_path).stdout
    done = loupan("import", "out", "--json", cwd=tmp_path)
    assert (json.loads(done.stdout)["campaigns_started"], done.stderr) == (3, b"")


def test_a_file_of_the_folder_that_is_not_read_is_named(coming, tmp_path):
    shutil.copytree(coming, tmp_path / "reference")
    (tmp_path / "reference/dealer.csv").touch()
    (tmp_path / "reference/README.md").touch()
    (line,) = loupan("import", "reference", cwd=tmp_path).stderr.decode().splitlines()
    assert line.startswith("reference/dealer.csv: is not read; these names are: estates.csv, dealers.csv,")


@pytest.mark.parametrize("blank", [0, 1, 7])
def test_a_bad_line_is_named_by_its_number_in_the_file(blank, coming, tmp_path):
    loupan("import", coming, cwd=tmp_path)
    (tmp_path / "events.jsonl").write_bytes(b"\n" * blank + b.message() + b"\n\n" + b"{\n" + b"\n" * 1200 + b"[\n")
    done = loupan("publish", "events.jsonl", cwd=tmp_path)
    first, second = blank + 3, blank + 1204
    assert [line.split(": ")[0] for line in done.stderr.decode().splitlines()] == [
        f"events.jsonl:{first}", f"events.jsonl:{second}"]
    letters = json.loads(loupan("dead-letters", "list", "--json", cwd=tmp_path).stdout)
    assert [letter["origin"] for letter in letters] == [f"events.jsonl:{first}", f"events.jsonl:{second}"]


def test_published_events_are_counted_and_bad_ones_named(folder, group, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    good, bad = b.message(group), b.message(group, at="2026-03-02T08:00:00")
    done = loupan("publish", "-", "--json", cwd=tmp_path, stdin=b"\n".join([good, good, bad]))
    assert done.returncode == 2
    assert json.loads(done.stdout) == {"accepted": 1, "duplicate": 1, "error": 1}
    assert "-:3:" in done.stderr.decode()
    letters = json.loads(loupan("dead-letters", "list", "--json", cwd=tmp_path).stdout)
    assert [letter["status"] for letter in letters] == ["dead"]
    assert "is still wrong" in refused("dead-letters", "retry", letters[0]["id"], cwd=tmp_path)


def test_of_many_bad_lines_the_first_are_named_and_the_rest_counted(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    done = loupan("publish", "-", "--json", cwd=tmp_path, stdin=b"{\n" * 1500)
    assert json.loads(done.stdout)["error"] == 1500
    lines = done.stderr.decode().splitlines()
    assert (len(lines), lines[19][:5], lines[-1]) == (21, "-:20:", "… and 1480 more: loupan dead-letters list")


def test_a_demo_never_runs_in_a_database_that_is_used(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    assert "holds data already" in refused("demo", "--port", "0", "--database", "loupan.db", cwd=tmp_path)


# --- tokens -----------------------------------------------------------------------------------------


def test_a_token_is_made_for_a_dealer_listed_without_its_secret_and_revoked(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    dealer = min(demo_reference(b.DAY_1, groups=3).dealers)
    token = json.loads(loupan("tokens", "create", "dealer", "--dealer", dealer, "--json", cwd=tmp_path).stdout)["token"]
    listed = loupan("tokens", "list", "--json", cwd=tmp_path).stdout.decode()
    (grant,) = json.loads(listed)
    assert (grant["role"], grant["dealer_id"], grant["revoked"], token in listed) == ("dealer", dealer, False, False)
    assert loupan("tokens", "revoke", grant["key"][:12], cwd=tmp_path).returncode == 0
    assert json.loads(loupan("tokens", "list", "--json", cwd=tmp_path).stdout)[0]["revoked"]


def test_a_token_that_would_be_for_nobody_is_refused(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    assert "there is no dealer d-x" in refused("tokens", "create", "dealer", "--dealer", "d-x", cwd=tmp_path)
    assert "names its dealer" in refused("tokens", "create", "dealer", cwd=tmp_path)
    assert "there is no such token" in refused("tokens", "revoke", "0123456789", cwd=tmp_path)
    assert json.loads(loupan("tokens", "list", "--json", cwd=tmp_path).stdout) == []


# --- tasks ------------------------------------------------------------------------------------------


def test_the_tail_of_the_tasks_is_their_end_however_many_there_are(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    event = '{"type":"loupan.task.issued.v1","time":"2026-03-02T07:00:00+08:00","data":{"task_id":"t-%d"}}'
    database = sqlite3.connect(tmp_path / "loupan.db")
    database.executemany(
        "INSERT INTO outbox (topic, key, id, raw) VALUES ('tasks', ?, ?, ?)",
        [(f"d-{n % 2}", str(n), (event % n).encode()) for n in range(5000)])
    database.commit()
    database.close()
    tail = loupan("tasks", "tail", "-n", "2", "--json", cwd=tmp_path).stdout.splitlines()
    assert [json.loads(line)["data"]["task_id"] for line in tail] == ["t-4998", "t-4999"]
    one = loupan("tasks", "tail", "-n", "2", "--json", "--dealer", "d-0", cwd=tmp_path).stdout.splitlines()
    assert [json.loads(line)["data"]["task_id"] for line in one] == ["t-4996", "t-4998"]


def test_a_mark_on_the_command_line_is_checked_as_it_is_over_http(coming, tmp_path):
    loupan("import", coming, cwd=tmp_path)
    noon = datetime.now(UTC).replace(microsecond=0)
    now, later = (task(window=Window(at, at + timedelta(minutes=30))) for at in (noon, noon + timedelta(hours=2)))
    later = msgspec.structs.replace(later, task_id=f"{later.task_id}-later")
    engine = opened(tmp_path / "loupan.db")
    with engine.begin() as connection:
        for one in (now, later):
            connection.execute(insert(tasks).values(
                task_id=one.task_id, seq=1, dealer_id="d1", estate_id="e1", group_id="g1", persona_id="p-main",
                status="issued", window_start=0, window_end=0, changed=1, body=msgspec.json.encode(one)))
    engine.dispose()
    somebody_else = refused("tasks", "done", now.task_id, "--persona", "nobody", cwd=tmp_path)
    assert "given to p-main, not to nobody" in somebody_else
    assert "is too early" in refused("tasks", "done", later.task_id, cwd=tmp_path)
    assert b": marked; " in loupan("tasks", "done", now.task_id, cwd=tmp_path).stdout
    assert b": was marked before" in loupan("tasks", "done", now.task_id, cwd=tmp_path).stdout


# --- serve -------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1].decode())
        try:
            with urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} never answered")


def test_serve_works_what_was_published_and_ends_in_order_on_sigterm(coming, group, tmp_path):
    loupan("import", coming, cwd=tmp_path)
    loupan("tokens", "create", "integration", cwd=tmp_path)
    port = free_port()
    process = subprocess.Popen([*LOUPAN, "serve", "--port", str(port)], cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        done = loupan("publish", "-", cwd=tmp_path, stdin=b.joined(group, "m1"))
        assert done.returncode == 0, done.stderr
        database = sqlite3.connect(tmp_path / "loupan.db")
        for _ in range(100):
            if database.execute("SELECT count(*) FROM estate_events WHERE inbox_offset IS NOT NULL").fetchone()[0] >= 4:
                break
            time.sleep(0.1)
        (worked,) = database.execute("SELECT next FROM positions WHERE consumer = 'placement'").fetchone()
        database.close()
        assert worked == 5  # three campaigns and the member who joined
        with pytest.raises(URLError):
            urlopen(Request(f"http://127.0.0.1:{port}/v1/flow"), timeout=5)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=15)[1].decode()
        assert process.returncode == 0
        # Nobody of HQ could come in yet, whoever else may.
        assert re.search(r"HQ's page, with its first token \(shown once\): \S+/login\?token=\S{30,}&next=/hq", said)
    finally:
        process.kill()
        process.communicate()


def test_a_running_serve_takes_up_an_imported_estate_without_a_stop(coming, tmp_path):
    loupan("import", coming, cwd=tmp_path)
    token = json.loads(loupan("tokens", "create", "hq", "--json", cwd=tmp_path).stdout)["token"]
    port = free_port()
    process = subprocess.Popen([*LOUPAN, "serve", "--port", str(port)], cwd=tmp_path, stderr=subprocess.PIPE)

    def found() -> list[str]:
        request = Request(f"http://127.0.0.1:{port}/v1/estates?near=126.6,45.7", headers={
            "Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=5) as answer:
            return [one["estate_id"] for one in json.load(answer)["estates"]]

    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        assert found()[0] != "new-1"
        (tmp_path / "site.csv").write_text("estate_id,name,lng,lat,crs,city\nnew-1,绿地城,126.6,45.7,wgs84,哈尔滨\n")
        done = loupan("import", "estates", "site.csv", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        for _ in range(300):
            if found()[0] == "new-1":
                break
            time.sleep(0.1)
        assert found()[0] == "new-1"
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_is_said_in_a_sentence(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refused("serve", "--port", taken.getsockname()[1], cwd=tmp_path, status=1)
    assert "cannot listen" in line
    assert "--port" in line


def test_a_file_that_is_no_database_is_said_in_a_sentence(tmp_path):
    (tmp_path / "loupan.db").write_text("this is a shopping list, not a database\n" * 50)
    assert "not a loupan database" in refused("tasks", "tail", cwd=tmp_path, status=1)


@pytest.mark.parametrize("words", [
    "doctor", "tokens list", "tokens create hq", "tasks tail", "dead-letters list", "migrate", "publish -",
])
def test_only_what_brings_data_makes_a_database_or_fills_an_empty_file(words, tmp_path):
    (tmp_path / "empty.db").touch()
    for name in ("empty.db", "nowhere/missing.db"):
        done = loupan(*words.split(), "--database", name, cwd=tmp_path)
        assert (done.returncode, b"loupan import DIR" in done.stdout + done.stderr) == (2 * (words != "doctor"), True)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("empty.db", 0)]


@pytest.mark.parametrize("words", ["doctor", "tokens list", "migrate", "import reference", "serve --port 0"])
def test_no_command_touches_the_database_of_another_program(words, folder, tmp_path):
    (tmp_path / "reference").symlink_to(folder)
    connection = sqlite3.connect(tmp_path / "loupan.db")
    connection.execute("CREATE TABLE events (x)")
    connection.close()
    before = (tmp_path / "loupan.db").read_bytes()
    done = loupan(*words.split(), cwd=tmp_path)
    assert (done.returncode, b"not a loupan database" in done.stdout + done.stderr) == (1, True)
    assert (tmp_path / "loupan.db").read_bytes() == before


def test_a_demos_database_takes_nothing_that_carries_the_time_of_today(folder, tmp_path):
    engine = opened(tmp_path / "demo.db")
    with engine.begin() as connection:
        say_simulated(connection)
        letter = Door().accept(connection, [b"{"])
    engine.dispose()
    assert letter
    (tmp_path / "events.jsonl").write_bytes(b.message())
    for words in ("publish events.jsonl", "tasks done t-1", "dead-letters retry 1", f"import {folder}", "serve"):
        line = refused(*words.split(), "--database", "demo.db", cwd=tmp_path)
        assert "demo.db: is a demo's, whose time is simulated" in line
    assert loupan("dead-letters", "list", "--database", "demo.db", cwd=tmp_path).returncode == 0


def test_a_demo_says_in_its_database_that_its_time_is_simulated(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        [*LOUPAN, "demo", "--port", str(port), "--groups", "1", "--database", "demo.db"], cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
    finally:
        process.terminate()
        process.communicate()
    assert "is a demo's" in refused("publish", "-", "--database", "demo.db", cwd=tmp_path)


def limited(*words: object, cwd: Path, most: int) -> subprocess.CompletedProcess[bytes]:
    """Run a command that can write no file larger than `most` bytes, as on a disk that is full."""
    return subprocess.run(
        [*LOUPAN, *(str(word) for word in words)], cwd=cwd, capture_output=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))


def test_what_cannot_be_written_whole_is_not_written_at_all(folder, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b.message() + b"\n")
    for words in (
        f"replay events.jsonl --reference {folder} --out new/out", "demo --write-reference new/reference",
        "playbook new mine.yaml",
    ):
        done = limited(*words.split(), cwd=tmp_path, most=10_000)
        (line,) = done.stderr.decode().splitlines()
        assert (done.returncode, "cannot be written" in line) == (1, True), line
        assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]


# --- tools -------------------------------------------------------------------------------------------


def test_a_dishonest_playbook_is_refused_with_file_and_line(tmp_path):
    loupan("playbook", "new", "mine.yaml", cwd=tmp_path)
    text = (tmp_path / "mine.yaml").read_text()
    at = next(n for n, line in enumerate(text.splitlines(), 1) if "text:" in line)
    lines = text.splitlines()
    lines[at - 1] = lines[at - 1].split("text:")[0] + "text: 我家上个月在这家店定的衣柜，用着很好，邻居们放心"
    (tmp_path / "mine.yaml").write_text("\n".join(lines))
    done = loupan("playbook", "check", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert f"mine.yaml:{at}" in done.stderr.decode()


def test_playbook_check_passes_what_ships(tmp_path):
    loupan("playbook", "new", "mine.yaml", cwd=tmp_path)
    done = loupan("playbook", "check", "mine.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "新盘" in loupan("playbook", "show", cwd=tmp_path).stdout.decode()


def test_locate_answers_every_probe(tmp_path):
    (tmp_path / "estates.csv").write_text(
        "estate_id,name,address,lng,lat\ne1,绿地新里城,长江路1号,126.6,45.7\ne2,保利溪湖林语,学院路9号,126.7,45.8\n")
    (tmp_path / "probes.csv").write_text("probe_id,text\np1,我家在保利溪湖林语3栋\np2,今天天气不错\n")
    done = loupan("locate", "--catalogue", "estates.csv", "probes.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",")[:2] for line in done.stdout.decode().splitlines()]
    assert rows == [["probe_id", "estate_id"], ["p1", "e2"], ["p2", ""]]


def test_the_model_of_signals_says_its_version_and_its_evaluation(tmp_path):
    said = msgspec.json.decode(loupan("signals", "--version", cwd=tmp_path).stdout)
    assert said["version"] >= 1
    assert len(said["f1_unseen"]) == 21


def test_signals_are_told_line_by_line(tmp_path):
    done = loupan("signals", "-", cwd=tmp_path, stdin='{"id":"1","text":"多少钱一平？"}\n'.encode())
    (line,) = done.stdout.splitlines()
    assert "asks_price" in {signal["name"] for signal in msgspec.json.decode(line)["signals"]}
    after = loupan("signals", "-", cwd=tmp_path, stdin='{"id":"1","text":"接","after":"sign_up"}\n'.encode("gbk"))
    assert msgspec.json.decode(after.stdout)["signals"][0]["name"] == "signs_up"
    assert ":2:" in refused_line(loupan("signals", "-", cwd=tmp_path, stdin=b'{"id":"1","text":"a"}\n{"id":2}\n'))


def refused_line(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 2
    return done.stderr.decode()


def test_doctor_finds_nothing_wrong_with_a_fresh_database(folder, tmp_path):
    loupan("import", folder, cwd=tmp_path)
    done = loupan("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert all(check["ok"] for check in json.loads(done.stdout))


def test_asyncapi_is_printed(tmp_path):
    assert json.loads(loupan("asyncapi", cwd=tmp_path).stdout)["asyncapi"] == "3.0.0"


TILES = """patch: new-estate-own-group.tiles-test
version: 1
base: new-estate-own-group
base_version: {base}
by: category
category: tiles
replace:
  w1-morning-hello: {{at: "07:45"}}
"""


def test_a_patch_is_checked_and_shown_as_what_is_other(tmp_path):
    shown = loupan("playbook", "show", cwd=tmp_path).stdout.decode()
    base = next(line for line in shown.splitlines() if line.startswith("new-estate-own-group ")).rsplit("v", 1)[1]
    (tmp_path / "tiles.yaml").write_text(TILES.format(base=base), "utf-8")
    spring = TILES.format(base=f'"{base}.1"').replace("tiles-test", "tiles-test.spring").replace(
        "base: new-estate-own-group", "base: new-estate-own-group.tiles-test").replace("07:45", "07:50")
    (tmp_path / "spring.yaml").write_text(spring, "utf-8")
    assert f"version {base}.1.1 is right" in loupan("playbook", "check", "spring.yaml", cwd=tmp_path).stdout.decode()
    lines = loupan("playbook", "show", "spring.yaml", "--diff", cwd=tmp_path).stdout.decode().splitlines()
    assert lines[0] == f"new-estate-own-group.tiles-test.spring {base}.1.1 ← new-estate-own-group.tiles-test {base}.1"
    assert lines[-1] == "    at: 07:45 → 07:50"
    done = loupan("playbook", "show", "new-estate-own-group", "--diff", cwd=tmp_path)
    assert (done.returncode, b"it was derived from nothing; name what" in done.stderr) == (2, True)
