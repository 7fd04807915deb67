"""WeCom's interfaces over HTTP, by an access token that is fetched once and again when it has ended.

Sources, by their path at developer.work.weixin.qq.com/document: 91039 (gettoken), 90313 (error codes), 92120
(groupchat/list), 92122 (groupchat/get).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import msgspec

from schemas.errors import Refused, Unavailable

#: The token has ended or was taken back.
_TOKEN: Final = frozenset({40014, 41001, 42001})
#: Too fast, too many at once, or WeCom is busy: after a while it may be asked again.
_BUSY: Final = frozenset({-1, 45009, 45033, 50002, 50003})
#: The group is not there, is dismissed, or is none of this corp's.
_GONE: Final = frozenset({40050, 40058, 49008, 86001, 86003, 86008})
_REMEDIES: Final = {
    40001: "LOUPAN_WECOM_SECRET is not the app's Secret", 40013: "LOUPAN_WECOM_CORP_ID is not the 企业ID",
    40091: "LOUPAN_WECOM_SECRET is not the app's Secret",
    48002: "the app may not do this: add it under 客户联系 → API → 可调用接口的应用",
    60011: "the app may not see this: widen its 可见范围",
    60020: "add this machine's address under 企业可信IP of the app",
    301002: "the app may not see this: widen its 可见范围",
}
#: How long is waited before a call that may pass is tried again, in seconds; WeCom counts calls by the minute.
WAITS: Final = (1.0, 2.0, 5.0, 15.0, 60.0)


class Gone(Exception):
    """What was asked for is not there any more."""


class Api:
    """The interfaces of one corp. One thread at a time.

    Args:
        base: where they are.
        wait: waits so many seconds.
    """

    def __init__(
        self, corp_id: str, secret: str, wait: Callable[[float], object], base: str = "https://qyapi.weixin.qq.com",
        *, timeout: float = 10.0,
    ) -> None:
        self._corp_id, self._secret, self._wait = corp_id, secret, wait
        self._http = httpx.Client(base_url=base, timeout=timeout)
        self._token: str | None = None

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def chats(self) -> Iterator[str]:
        """The ids of all groups, page by page.

        Raises:
            Refused: when WeCom does not let us, with the remedy.
            Unavailable: when it cannot be asked.
        """
        cursor = ""
        while True:
            body = {"status_filter": 0, "limit": 1000} | ({"cursor": cursor} if cursor else {})
            page = self._post("externalcontact/groupchat/list", body)
            found = page.get("group_chat_list")
            for chat in found if isinstance(found, list) else []:
                if isinstance(chat, dict) and isinstance(chat.get("chat_id"), str):
                    yield chat["chat_id"]
            following = page.get("next_cursor")
            if not isinstance(following, str) or following in ("", cursor):
                return
            cursor = following

    def chat(self, chat_id: str) -> dict[str, Any]:
        """A group's details (`group_chat`).

        Raises:
            Gone: when there is no such group (any more).
        """
        answer = self._post("externalcontact/groupchat/get", {"chat_id": chat_id, "need_name": 1})
        details = answer.get("group_chat")
        if not isinstance(details, dict):
            raise Unavailable("WeCom's groupchat/get answers without group_chat")
        return details

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        for wait in (*WAITS, None):
            answer = self._with_token(path, body)
            code = answer["errcode"]
            if code == 0:
                return answer
            if code in _GONE:
                raise Gone(path)
            if code not in _BUSY:
                raise self._refused(path, answer)
            if wait is not None:
                self._wait(wait)
        raise Unavailable(f"WeCom is busy, or is asked too often ({path} answers so again and again): try later")

    def _with_token(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask with the token; with a new one where it has ended."""
        answer = self._ask("POST", path, {"access_token": self._access()}, body)
        if answer["errcode"] not in _TOKEN:
            return answer
        self._token = None
        return self._ask("POST", path, {"access_token": self._access()}, body)

    def _access(self) -> str:
        if self._token is None:
            answer = self._ask("GET", "gettoken", {"corpid": self._corp_id, "corpsecret": self._secret}, None)
            token = answer.get("access_token")
            if answer["errcode"] or not isinstance(token, str):
                raise self._refused("gettoken", answer)
            self._token = token
        return self._token

    def _ask(self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = self._http.request(method, f"/cgi-bin/{path}", params=query, json=body)
        except httpx.HTTPError as error:
            # Neither the address nor its parameters: they hold the secret and the token.
            raise Unavailable(f"WeCom cannot be asked for {path}: {type(error).__name__}") from None
        try:
            answer = msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"WeCom's {path} answers with {response.status_code} and no JSON") from error
        if not isinstance(answer, dict) or not isinstance(answer.setdefault("errcode", 0), int):
            raise Unavailable(f"WeCom's {path} answers in another form than it documents")
        return answer

    def _refused(self, path: str, answer: dict[str, Any]) -> Refused:
        code = answer["errcode"]
        said = str(answer.get("errmsg") or "").partition(", hint:")[0]
        remedy = _REMEDIES.get(code, "https://developer.work.weixin.qq.com/document/path/90313 has the codes")
        return Refused(f"WeCom's {path} says {code} ({said[:200]}): {remedy}")
