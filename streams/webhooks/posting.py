"""One POST: no redirect is followed, no proxy of the environment asked, nothing waited for longer than it may."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct

from streams.webhooks.guard import Forbidden, address_of

#: So much of an answer is read, in bytes.
_ANSWER = 65_536


class Outcome(Struct, frozen=True):
    """What came of a POST: `said` is what went wrong, empty where nothing did; `retry_after` is in seconds."""

    status: int | None = None
    said: str = ""
    retry_after: float | None = None
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it arrived."""
        return not self.said

    @property
    def gone(self) -> bool:
        """Whether nothing is wanted there any more."""
        return self.status == 410


class Session:
    """A connection to one URL, for as long as there is something to send."""

    def __init__(self, client: httpx.AsyncClient, url: httpx.URL, *, private: bool, timeout: float) -> None:
        self._client, self._url, self._private, self._timeout = client, url, private, timeout
        self._address: str | None = None

    async def post(self, headers: Mapping[str, str], body: bytes, now: float = 0.0) -> Outcome:
        """Post a body; whatever goes wrong is said in the outcome."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(headers, body, now)
        except TimeoutError:
            return Outcome(None, f"no answer within {self._timeout:g} seconds")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError, UnicodeError, Forbidden) as error:
            return Outcome(None, " ".join(str(error).split())[:200] or type(error).__name__)

    async def _post(self, headers: Mapping[str, str], body: bytes, now: float) -> Outcome:
        host = self._url.host
        if self._address is None:
            port = self._url.port or (443 if self._url.scheme == "https" else 80)
            self._address = await address_of(host, port, private=self._private)
        named = {**headers, "Host": self._url.netloc.decode()}
        async with self._client.stream(
            "POST", self._url.copy_with(host=self._address), content=body, headers=named,
            extensions={"sni_hostname": host},
        ) as answer:
            said = b""
            async for part in answer.aiter_raw():
                said += part
                if len(said) >= _ANSWER:
                    break
        if answer.is_success:
            return Outcome(answer.status_code, body=said)
        what = "redirects, which is not followed" if answer.is_redirect else answer.reason_phrase
        return Outcome(
            answer.status_code, f"answered {answer.status_code} {what}".strip(),
            _seconds(answer.headers.get("retry-after"), now), said)


def _seconds(text: str | None, now: float) -> float | None:
    """A Retry-After header: seconds, or a date."""
    if not text:
        return None
    try:
        if text.strip().isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


class Poster:
    """Opens sessions. `timeout` is that of a whole POST, in seconds; `private` allows private addresses."""

    def __init__(self, *, private: bool = False, timeout: float = 15.0) -> None:
        self._private, self._timeout = private, timeout
        self._trust: ssl.SSLContext | None = None

    @asynccontextmanager
    async def session(self, url: str) -> AsyncIterator[Session]:
        """A session with the endpoint at the URL."""
        # The authorities are read once: that takes longer than many a POST.
        self._trust = self._trust or ssl.create_default_context()
        headers = {"User-Agent": "loupan-webhooks", "Accept": "*/*", "Accept-Encoding": "identity"}
        async with httpx.AsyncClient(
            verify=self._trust, trust_env=False, follow_redirects=False, timeout=self._timeout, headers=headers,
        ) as client:
            yield Session(client, httpx.URL(url), private=self._private, timeout=self._timeout)
