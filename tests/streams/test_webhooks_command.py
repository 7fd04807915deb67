"""`loupan webhooks`, as somebody types it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from streams.reference_store import save_reference
from tests.commands import run
from tests.databases import opened
from tests.streams.gateway_world import two_dealers
from tests.streams.receivers import receiving

HERE = {**os.environ, "LOUPAN_WEBHOOK_PRIVATE": "true"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("webhooks")
    engine = opened(folder / "loupan.db")
    with engine.begin() as connection:
        save_reference(connection, two_dealers(), {})
    engine.dispose()
    return folder


def said(folder: Path, *words: object, status: int = 0, env: dict[str, str] | None = None) -> str:
    done = run("webhooks", *words, cwd=folder, env=env)
    assert done.returncode == status, done.stderr.decode()
    return (done.stdout if status == 0 else done.stderr).decode().strip()


def test_the_life_of_an_endpoint(folder):
    with receiving() as receiver:
        secret = said(folder, "add", "erp", receiver.url + "?key=hidden", env=HERE)
        assert said(folder, "test", "erp", env=HERE) == "erp: answered 200"
        [request] = receiver.requests
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "loupan.webhook.test.v1"
        new = said(folder, "rotate", "erp", "--keep", "1")
        said(folder, "test", "erp", env=HERE)
        for one in (secret, new):
            Webhook(one).verify(receiver.requests[-1].body, receiver.requests[-1].headers)
    assert stat.S_IMODE((folder / "loupan.db").stat().st_mode) == 0o600
    [shown] = json.loads(said(folder, "list", "--json"))
    assert (shown["name"], shown["status"], len(shown["types"])) == ("erp", "on", 3)
    for listed in (said(folder, "list"), json.dumps(shown)):
        assert "hidden" not in listed
        assert "whsec_" not in listed
    assert said(folder, "disable", "erp") == "erp: off"
    assert said(folder, "enable", "erp", "--skip") == "erp: on"
    assert said(folder, "remove", "erp") == "erp: removed"
    assert said(folder, "list") == "no webhooks: loupan webhooks add NAME URL"


def test_the_life_of_a_sender(folder):
    secret = said(folder, "receive", "add", "shop", "--map", "order.paid=loupan.order.paid.v1")
    assert secret.startswith("whsec_")
    assert said(folder, "receive", "rotate", "shop") not in ("", secret)
    assert "/v1/hooks/shop  order.paid=loupan.order.paid.v1" in said(folder, "receive", "list")
    assert "there is a sender of that name" in said(folder, "receive", "add", "shop", status=2)
    assert said(folder, "receive", "remove", "shop") == "shop: removed"
    assert "there is no such sender" in said(folder, "receive", "remove", "shop", status=2)


@pytest.mark.parametrize(("words", "says"), [
    (["add", "ERP", "https://a.example/"], "ERP: is not a name"),
    (["add", "erp", "ftp://a.example/"], "is not a URL of the web"),
    (["add", "erp", "https://u:p@a.example/"], "holds a name or a password"),
    (["add", "erp", "http://a.example/"], "is not encrypted; use https"),
    (["add", "erp", "https://127.0.0.1/"], "is an address of this machine"),
    (["add", "erp", "https://[::1]/"], "is an address of this machine"),
    (["add", "erp", "https://[::1/"], "is not a URL"),
    (["add", "erp", "https://a.example/ b"], "holds a space"),
    (["add", "erp", "https://a.example/", "--type", "loupan.nothing.v1"], "nothing of the type loupan.nothing.v1"),
    (["add", "erp", "https://a.example/", "--dealer", "d9"], "there is no dealer d9"),
    (["add", "erp", "https://a.example/", "--city", "上海"], "there is no estate in 上海"),
    (["add", "erp", "https://a.example/", "--city", "北京", "--dealer", "d1"], "goes without --dealer"),
    (["add", "bot", "https://a.example/", "--kind", "wecom"], "a robot speaks to the staff of one dealer"),
    (["test", "nobody"], "there is no such webhook; see `loupan webhooks list`"),
    (["rotate", "nobody"], "there is no such webhook"), (["enable", "nobody"], "there is no such webhook"),
    (["receive", "add", "shop", "--map", "a"], "a is no mapping"),
    (["receive", "add", "shop", "--map", "a=b"], "no event of the type b comes in"),
])
def test_what_is_wrong_is_one_line(folder, words, says):
    line = said(folder, *words, status=2)
    assert says in line
    assert "\n" not in line


def test_of_what_was_wrong_nothing_was_done(folder):
    assert said(folder, "list") == "no webhooks: loupan webhooks add NAME URL"
    assert said(folder, "receive", "list") == "nobody may send: loupan webhooks receive add NAME"


def test_a_test_that_does_not_arrive_says_why_and_the_doctor_names_who_was_given_up(folder):
    with receiving(lambda *_: (500, {}, b"")) as receiver:
        said(folder, "add", "dead", receiver.url, "--type", "*", env=HERE)
        assert "dead: answered 500 Internal Server Error" in said(folder, "test", "dead", status=1, env=HERE)
    assert "of a private network" in said(folder, "test", "dead", status=1)
    engine = opened(folder / "loupan.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE webhooks SET status = 'gave-up', said = 'answered 500'")
    engine.dispose()
    done = run("doctor", cwd=folder)
    assert done.returncode == 1
    assert "webhooks: dead was given up (answered 500): mend it, then loupan webhooks enable dead" in (
        done.stdout.decode())
    said(folder, "remove", "dead")
