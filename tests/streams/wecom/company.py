"""WeCom's interfaces on 127.0.0.1, with answers in the form that it documents."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECRET = "secret-that-nobody-may-see"


def chat(chat_id: str, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A group's details; https://developer.work.weixin.qq.com/document/path/92122."""
    return {
        "chat_id": chat_id, "name": "绿地城业主群", "owner": "zhang", "create_time": 1572505490,
        "notice": "文明沟通，拒绝脏话", "member_list": list(members), "admin_list": [{"userid": "sam"}],
        "member_version": "71217227bbd112ecfe3a49c482195cb4"} | more


def customer(member_id: str, joined: int = 1772409600, **more: Any) -> dict[str, Any]:
    return {"userid": member_id, "type": 2, "unionid": "ozynqsul", "join_time": joined, "join_scene": 3,
            "group_nickname": "3-2-1201 小王", "name": "王语嫣"} | more


class Company:
    """Knows its groups, gives out tokens, and remembers what it was asked."""

    def __init__(self) -> None:
        self.chats: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.codes: list[int] = []
        self.body: bytes | None = None
        self.page = 1000
        self.tokens = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                length = int(self.headers.get("Content-Length") or 0)
                said = json.loads(self.rfile.read(length)) if length else {}
                body = outer.answer(parts.path, query, said)
                with suppress(ConnectionError):
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json; charset=UTF-8")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def answer(self, path: str, query: dict[str, str], said: dict[str, Any]) -> bytes:
        name = path.removeprefix("/cgi-bin/")
        self.asked.append(name)
        if self.body is not None:
            return self.body
        return json.dumps({"errcode": 0, "errmsg": "ok"} | self._answer(name, query, said)).encode()

    def _answer(self, name: str, query: dict[str, str], said: dict[str, Any]) -> dict[str, Any]:
        if name == "gettoken":
            if query["corpsecret"] != SECRET:
                return {"errcode": 40001, "errmsg": f"invalid credential, hint: [{query['corpsecret']}]"}
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 7200}
        if self.codes:
            return {"errcode": self.codes.pop(0), "errmsg": "no"}
        if query.get("access_token") != f"token-{self.tokens}":
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if name == "externalcontact/groupchat/list":
            return self._list(said)
        found = self.chats.get(said["chat_id"])
        return {"group_chat": found} if found is not None else {"errcode": 40050, "errmsg": "chatid invalid"}

    def _list(self, said: dict[str, Any]) -> dict[str, Any]:
        """https://developer.work.weixin.qq.com/document/path/92120."""
        at = int(said.get("cursor") or 0)
        names = list(self.chats)[at:at + self.page]
        more = {"next_cursor": str(at + self.page)} if at + self.page < len(self.chats) else {}
        return {"group_chat_list": [{"chat_id": name, "status": 0} for name in names], **more}

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
