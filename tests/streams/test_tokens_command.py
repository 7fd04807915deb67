"""`loupan tokens`: made for whom, shown once, linked to a phone, and noted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schemas.errors import BadFile
from streams.commands.tokens import (
    audit_command,
    create_command,
    link_command,
    list_command,
    revoke_command,
)
from streams.login_links import open_link
from streams.reference_store import save_reference
from streams.served_at import say_served
from streams.tokens import TokenRole, look_up
from tests.databases import opened
from tests.streams.gateway_world import two_dealers

HQ, REGION, DEALER, STORE, INTEGRATION = TokenRole


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "loupan.db"
    engine = opened(path)
    with engine.begin() as connection:
        save_reference(connection, two_dealers(), {})
    engine.dispose()
    return str(path)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def grant_of(database: str, token: str) -> Any:
    engine = opened(database)
    with engine.connect() as connection:
        grant = look_up(connection, token)
    engine.dispose()
    return grant


def test_a_token_is_made_for_whom_it_names(database, capsys):
    create_command(STORE, store="s2", database=database, as_json=True)
    made = told(capsys)
    assert (made["dealer_id"], made["store_id"]) == ("d2", "s2")
    assert grant_of(database, made["token"]).store_id == "s2"
    create_command(REGION, city=["天津", "北京", "天津"], days=7, database=database, as_json=True)
    made = told(capsys)
    assert (made["cities"], made["expires_at"] is not None) == (["北京", "天津"], True)
    create_command(INTEGRATION, source="orders", database=database, as_json=True)
    assert grant_of(database, told(capsys)["token"]).source == "orders"
    list_command(database=database)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[2:4] for line in shown] == [
        ["store", "s2"], ["region", "北京、天津"], ["integration", "orders"]]
    assert "until" in shown[1]


@pytest.mark.parametrize(("given", "says"), [
    ({"role": STORE, "store": "s9"}, "there is no store s9"), ({"role": STORE}, "names its store"),
    ({"role": STORE, "store": "s1", "dealer": "d1"}, "leave --dealer out"),
    ({"role": REGION, "city": ["火星"]}, "no estate and no dealer in 火星"), ({"role": REGION}, "names its cities"),
    ({"role": DEALER, "dealer": "d9"}, "there is no dealer d9"), ({"role": DEALER}, "names its dealer"),
    ({"role": HQ, "dealer": "d1"}, "names no dealer"), ({"role": HQ, "source": "orders"}, "names no dealer"),
])
def test_a_token_for_nobody_is_refused_and_none_is_made(database, capsys, given, says):
    with pytest.raises(BadFile, match=says):
        create_command(**given, database=database)
    list_command(database=database, as_json=True)
    assert told(capsys) == []


def test_a_link_is_an_address_with_its_qr_code_and_gives_what_it_was_made_for(database, capsys):
    link_command(DEALER, dealer="d1", url="https://loupan.example/", label="林晚的手机", database=database)
    shown = capsys.readouterr()
    address = urlsplit(shown.out.strip())
    assert (address.scheme, address.netloc, address.path) == ("https", "loupan.example", "/login")
    asked = parse_qs(address.query)
    assert asked["next"] == ["/dealer"]
    assert "▀" in shown.err
    assert "works once, within 15 minutes" in shown.err
    engine = opened(database)
    with engine.begin() as connection:
        link = open_link(connection, asked["code"][0])
    engine.dispose()
    assert link.token is not None
    grant = grant_of(database, link.token)
    assert (grant.dealer_id, grant.label, grant.session) == ("d1", "林晚的手机", True)


@pytest.mark.parametrize(("given", "says"), [
    ({"role": INTEGRATION}, "no page to log in to"), ({"role": HQ, "url": "loupan.example"}, "is no address"),
    ({"role": HQ, "url": "http://x/?a=b"}, "is no address"),
    ({"role": DEALER, "dealer": "d9"}, "there is no dealer d9"),
])
def test_a_link_for_nobody_is_refused(database, given, says):
    with pytest.raises(BadFile, match=says):
        link_command(**given, database=database)


def test_a_link_leads_to_where_the_gateway_was_last_served(database, capsys):
    engine = opened(database)
    for port in (8460, 40123):
        with engine.begin() as connection:
            say_served(connection, f"http://192.168.1.9:{port}")
    engine.dispose()
    link_command(HQ, database=database, as_json=True)
    assert told(capsys)["url"].startswith("http://192.168.1.9:40123/login?")
    link_command(HQ, url="https://loupan.example", database=database, as_json=True)
    assert told(capsys)["url"].startswith("https://loupan.example/login?")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8460", "http://0.0.0.0:8460", "http://[::1]:8460"])
def test_an_address_that_no_phone_reaches_is_said(database, capsys, url):
    link_command(HQ, url=url, database=database)
    assert "a phone does not reach this address" in capsys.readouterr().err


def test_what_is_done_with_tokens_is_noted_without_them(database, capsys):
    create_command(DEALER, dealer="d1", database=database, as_json=True)
    token = told(capsys)["token"]
    key = grant_of(database, token).key
    link_command(STORE, store="s1", url="https://loupan.example", database=database, as_json=True)
    code = parse_qs(urlsplit(told(capsys)["url"]).query)["code"][0]
    revoke_command(key[:12], database=database)
    capsys.readouterr()
    audit_command(limit=50, database=database, as_json=True)
    lines = told(capsys)
    assert [(line["what"], line["thing"]) for line in lines] == [
        ("tokens revoke", key[:12]), ("tokens link", "store s1"), ("tokens create", f"{key[:12]} dealer d1")]
    assert {line["role"] for line in lines} == {"operator"}
    assert not {token, code} & set(str(lines).split("'"))
    audit_command(limit=1, what="tokens c", database=database)
    assert f"tokens create {key[:12]} dealer d1" in capsys.readouterr().out
    audit_command(limit=50, refused=True, database=database)
    assert capsys.readouterr().out == ""
