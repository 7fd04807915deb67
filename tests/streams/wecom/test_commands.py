"""`loupan wecom` as somebody types it."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from streams.wecom.marks import put_due
from tests.commands import run
from tests.conftest import ROOT
from tests.databases import opened
from tests.streams.wecom.archive import message, pem, private_key
from tests.streams.wecom.company import SECRET, chat, customer


def record(seq: int, version: int = 1) -> dict[str, Any]:
    """A record of the library that is compiled here: its own key is `key`, its message no more than itself."""
    key = base64.b64encode(private_key(1).public_key().encrypt(b"key", PKCS1v15())).decode()
    text = json.dumps(message("text", f"m{seq}", text={"content": "好"}))
    return {"seq": seq, "msgid": f"m{seq}", "publickey_ver": version, "encrypt_random_key": key,
            "encrypt_chat_msg": text}


@pytest.fixture
def archive(tmp_path, sdk_library):
    """The environment of an archive that is set up, with two records to be had, over an empty database."""
    (tmp_path / "key.pem").write_bytes(pem(1))
    (tmp_path / "answer.json").write_text(json.dumps({"errcode": 0, "chatdata": [record(1), record(2, version=5)]}))
    opened(tmp_path / "loupan.db").dispose()
    return os.environ | {
        "LOUPAN_DATABASE": str(tmp_path / "loupan.db"), "LOUPAN_WECOM_CORP_ID": "ww1",
        "LOUPAN_WECOM_ARCHIVE_SECRET": "right", "LOUPAN_WECOM_ARCHIVE_KEYS": f"1={tmp_path / 'key.pem'}",
        "LOUPAN_WECOM_SDK": str(sdk_library), "WECOM_ANSWER": str(tmp_path / "answer.json")}


def test_the_archive_is_pulled_once_and_what_is_wrong_is_said_by_the_status(tmp_path, archive):
    done = run("wecom", "pull", "--once", "--json", cwd=tmp_path, env=archive)
    assert json.loads(done.stdout) == {"accepted": 1, "duplicate": 0, "error": 1, "skipped": 0}
    assert done.returncode == 2
    again = run("wecom", "pull", "--once", cwd=tmp_path, env=archive)
    assert (again.returncode, again.stdout) == (0, b"0 accepted, 0 duplicate, 0 dead letters, 0 of no group\n")
    listed = run("dead-letters", "list", cwd=tmp_path, env=archive)
    assert b"version 5" in listed.stdout
    repaired = archive | {"LOUPAN_WECOM_ARCHIVE_KEYS": str(tmp_path / "key.pem")}
    last = run("wecom", "pull", "--once", "--from", 0, "--json", cwd=tmp_path, env=repaired)
    assert json.loads(last.stdout) == {"accepted": 1, "duplicate": 1, "error": 0, "skipped": 0}
    assert last.returncode == 0


def test_it_goes_on_with_what_comes_and_ends_when_it_is_told_to(tmp_path, archive):
    words = [
        sys.executable, "-c", "from streams.cli import main; main()", "wecom", "pull", "--json", "--every", "3600"]
    answer = tmp_path / "answer.json"
    second = answer.read_text()
    answer.write_text("")
    with subprocess.Popen(words, cwd=ROOT, env=archive, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "{\n"
        answer.write_text(second)
        engine = opened(tmp_path / "loupan.db")
        with engine.begin() as connection:
            put_due(connection, ["archive"], 1)
        engine.dispose()
        told = ""
        while '"accepted": 1' not in told:
            line = process.stdout.readline()
            assert line
            told += line
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(20) == 0
    with sqlite3.connect(tmp_path / "loupan.db") as database:
        assert database.execute("SELECT count(*) FROM inbox").fetchone() == (1,)


@pytest.mark.parametrize(("change", "says"), [
    ({"LOUPAN_WECOM_CORP_ID": ""}, "LOUPAN_WECOM_CORP_ID: is not set"),
    ({"LOUPAN_WECOM_SDK": ""}, "LOUPAN_WECOM_SDK: is not set"),
    ({"LOUPAN_WECOM_SDK": "/nowhere/lib.so"}, "LOUPAN_WECOM_SDK: there is no file /nowhere/lib.so; unpack"),
    ({"LOUPAN_WECOM_ARCHIVE_KEYS": "1=/nowhere/key.pem"}, "/nowhere/key.pem: cannot be read"),
    ({"LOUPAN_WECOM_ARCHIVE_KEYS": "new=key.pem"}, "LOUPAN_WECOM_ARCHIVE_KEYS: new is no version"),
])
def test_what_is_not_set_up_is_named_in_one_line(tmp_path, archive, change, says):
    done = run("wecom", "pull", "--once", cwd=tmp_path, env=archive | change)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"loupan: {says}")
    assert done.stderr.count(b"\n") == 1


def test_a_secret_that_is_wrong_is_no_mistake_of_the_words(tmp_path, archive):
    done = run("wecom", "pull", "--once", cwd=tmp_path, env=archive | {"LOUPAN_WECOM_ARCHIVE_SECRET": "wrong-one"})
    assert done.returncode == 1
    assert b"Init says 10004 (the key is wrong)" in done.stderr
    assert b"wrong-one" not in done.stderr


def test_a_file_of_the_archive_is_fetched_whole_or_not_at_all(tmp_path, archive):
    file = tmp_path / "picture.jpg"
    assert run("wecom", "media", "file", file, cwd=tmp_path, env=archive).returncode == 0
    assert file.read_bytes() == b"ab\0c"
    again = run("wecom", "media", "file", file, cwd=tmp_path, env=archive)
    assert (again.returncode, b"is there already" in again.stderr) == (2, True)
    failed = run("wecom", "media", "another", tmp_path / "none.jpg", cwd=tmp_path, env=archive)
    assert (failed.returncode, (tmp_path / "none.jpg").exists()) == (1, False)


@pytest.fixture
def contacts(tmp_path, company):
    """The environment of customers' groups that are set up, over an empty database."""
    opened(tmp_path / "loupan.db").dispose()
    return os.environ | {
        "LOUPAN_DATABASE": str(tmp_path / "loupan.db"), "LOUPAN_WECOM_CORP_ID": "ww1", "LOUPAN_WECOM_SECRET": SECRET,
        "LOUPAN_WECOM_API": company.address}


def test_groups_are_fetched_and_written_as_a_table(tmp_path, company, contacts):
    company.chats["wr1"] = chat("wr1", customer("wm1", state="e1"))
    done = run("wecom", "groups", "--json", "--out", "groups.csv", cwd=tmp_path, env=contacts)
    assert json.loads(done.stdout) == {"groups": 1, "gone": 0, "accepted": 2, "duplicate": 0, "error": 0}
    assert (tmp_path / "groups.csv").read_text("utf-8").splitlines()[1] == "wr1,绿地城业主群,own,,,,zhang,true"
    again = run("wecom", "groups", "--out", "groups.csv", cwd=tmp_path, env=contacts)
    assert (again.returncode, b"groups.csv: is there already" in again.stderr) == (2, True)
    changed = run("wecom", "groups", "--changed", cwd=tmp_path, env=contacts)
    assert changed.stdout == b"0 groups, 0 gone: 0 accepted, 0 duplicate, 0 dead letters\n"


def test_what_wecom_refuses_is_said_in_one_line_without_the_secret(tmp_path, contacts):
    done = run("wecom", "groups", cwd=tmp_path, env=contacts | {"LOUPAN_WECOM_SECRET": "another-secret"})
    assert done.returncode == 1
    assert "LOUPAN_WECOM_SECRET is not the app's Secret" in done.stderr.decode()
    assert b"another-secret" not in done.stderr
    missing = run("wecom", "groups", cwd=tmp_path, env=contacts | {"LOUPAN_WECOM_SECRET": ""})
    assert (missing.returncode, missing.stderr.decode()) == (
        2, "loupan: LOUPAN_WECOM_SECRET: is not set; docs/wecom.md says where the console shows it\n")


def test_the_doctor_says_what_of_wecom_is_set_up_and_what_is_missing(tmp_path, archive):
    def wecom(env):
        done = run("doctor", "--json", cwd=tmp_path, env=env)
        return {check["check"]: (check["ok"], check["says"]) for check in json.loads(done.stdout)
                if check["check"].startswith("wecom")}

    said = wecom(archive | {"LOUPAN_WECOM_TOKEN": "t"})
    assert said["wecom callback"] == (False, "LOUPAN_WECOM_AES_KEY is not set (docs/wecom.md)")
    assert said["wecom archive"] == (True, "set up; the last record taken is number 0")
    assert said["wecom groups"] == (True, "not set up: LOUPAN_WECOM_SECRET")
    broken = wecom(archive | {"LOUPAN_WECOM_SDK": "/nowhere.so"})
    assert broken["wecom archive"][0] is False
    bare = {name: value for name, value in archive.items() if not name.startswith("LOUPAN_WECOM")}
    assert wecom(bare) == {"wecom": (True, "not set up")}
