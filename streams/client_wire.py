"""What the clients ask and how often, without a socket: both drive the same steps, one sleeping, one awaiting."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import httpx
import msgspec

from schemas.events import Event
from schemas.tasks import Task, TaskExpired, TaskIssued, TaskVerified, TaskWithdrawn
from streams.client_errors import Unreachable, error_of

#: An event as the clients take it: a typed one, or its JSON as a mapping (`id` and `time` may be left out).
Outgoing: TypeAlias = Event | Mapping[str, Any]
TaskEvent: TypeAlias = TaskIssued | TaskWithdrawn | TaskExpired | TaskVerified

#: Answers after which the same is asked again.
_AGAIN: Final = frozenset((429, 502, 503, 504))
#: The first pause without a `Retry-After`, and the longest, in seconds.
_FIRST, _LONGEST = 0.25, 30.0
#: A batch holds so many events at most, and so many bytes.
MOST_EVENTS: Final = 1000
MOST_BYTES: Final = 7 * 1_048_576
ONE: Final = "application/cloudevents+json"
MANY: Final = "application/cloudevents-batch+json"


class Published(msgspec.Struct, frozen=True):
    """What became of an event; sent before and sent again, it is a duplicate."""

    index: int
    status: Literal["accepted", "duplicate", "error"]
    id: str | None = None
    detail: str | None = None


class ListedTask(Task, frozen=True, kw_only=True):
    """A task as it is listed: with the names that people know things by."""

    estate_name: str = ""
    group_name: str = ""
    persona_name: str | None = None


class TaskPage(msgspec.Struct, frozen=True):
    """A page of tasks; `cursor` is where `since` and a stream go on."""

    tasks: list[ListedTask]
    cursor: str
    more: bool


class Marked(msgspec.Struct, frozen=True):
    """What was said of a task, as the event that says it."""

    id: str
    status: Literal["accepted", "duplicate"]
    task_id: str


class _Results(msgspec.Struct):
    results: list[Published]


@dataclass(frozen=True, slots=True)
class Call:
    """One request; asked twice, it changes nothing more than asked once."""

    method: str
    path: str
    params: list[tuple[str, str]] = field(default_factory=list)
    content: bytes | None = None
    media_type: str | None = None


#: A step of a conversation: a request to make, or seconds to wait. Sent back is the answer, or why there is none.
Step: TypeAlias = Call | float
Answer: TypeAlias = httpx.Response | httpx.TransportError | None
Steps: TypeAlias = Generator[Step, Answer, httpx.Response]


def attempts(call: Call, retries: int) -> Steps:
    """Ask, and ask again while it may help; gives the answer, which is a success.

    Raises:
        ClientError: what the last answer says, or that there was none.
    """
    for attempt in count():
        got = yield call
        if isinstance(got, httpx.Response):
            if got.is_success:
                return got
            if got.status_code not in _AGAIN or attempt >= retries:
                raise error_of(got)
        elif attempt >= retries:
            raise Unreachable(f"{call.path}: nobody answered: {got}") from got
        yield pause(attempt, got if isinstance(got, httpx.Response) else None)
    raise AssertionError


def pause(attempt: int, response: httpx.Response | None = None) -> float:
    """How long to wait: as the answer's `Retry-After` says (seconds or a date), else ever longer, not all at once."""
    said = response.headers.get("retry-after", "") if response is not None else ""
    if said.isdigit():
        return float(said)
    if said:
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
        except ValueError:
            pass
    return min(_LONGEST, _FIRST * 2.0**attempt) * random.uniform(0.75, 1.25)


# --- requests -------------------------------------------------------------------------------------


def encoded(event: Outgoing) -> bytes:
    """The event's JSON; what has no id or time is given one, so that it keeps it however often it is sent."""
    if isinstance(event, Event):
        return msgspec.json.encode(event)
    return msgspec.json.encode({
        "specversion": "1.0", "id": str(uuid4()), "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json", **event})


def batches(events: Iterable[Outgoing]) -> Iterator[Call]:
    """The events as requests, in their order."""
    batch, size = list[bytes](), 0
    for event in events:
        raw = encoded(event)
        if batch and (len(batch) >= MOST_EVENTS or size + len(raw) > MOST_BYTES):
            yield _batch(batch)
            batch, size = [], 0
        batch.append(raw)
        size += len(raw) + 1
    if batch:
        yield _batch(batch)


def _batch(raws: Sequence[bytes]) -> Call:
    return Call("POST", "/v1/events", content=b"[" + b",".join(raws) + b"]", media_type=MANY)


def single(event: Outgoing) -> Call:
    """One event as a request."""
    return Call("POST", "/v1/events", content=encoded(event), media_type=ONE)


def asking(path: str, **params: object) -> Call:
    """A question, with the parameters that say something."""
    given: list[tuple[str, str]] = []
    for name, value in params.items():
        values = value if isinstance(value, list | tuple) else [value]
        given += [(name.rstrip("_"), _said(one)) for one in values if one is not None]
    return Call("GET", path, given)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def marking(task_id: str, deed: str, at: datetime | None, **words: str | None) -> Call:
    """What is said of a task; the time stands fast when it is asked again."""
    body: dict[str, object] = {name: word for name, word in words.items() if word is not None}
    if at is not None:
        body["at"] = at
    return Call(
        "POST", path("tasks", task_id, deed), content=msgspec.json.encode(body), media_type="application/json")


def path(*parts: str) -> str:
    """The path of something, its id as one part of it whatever it holds."""
    return "/".join(("/v1", *(quote(part, safe="") for part in parts)))


# --- answers --------------------------------------------------------------------------------------

_results = msgspec.json.Decoder(_Results).decode
page_of = msgspec.json.Decoder(TaskPage).decode
marked_of = msgspec.json.Decoder(Marked).decode
_task_event = msgspec.json.Decoder(TaskEvent).decode


def results_of(content: bytes, first: int = 0) -> list[Published]:
    """What became of each event, numbered from `first` on."""
    return [msgspec.structs.replace(one, index=one.index + first) for one in _results(content).results]


def object_of(content: bytes) -> dict[str, Any]:
    """An answer that is an object."""
    return msgspec.json.decode(content, type=dict[str, Any])


class Told(msgspec.Struct, frozen=True):
    """What a stream told: the cursor after it, the event's type, and the event (None where the type is a new one)."""

    cursor: str
    type: str
    event: TaskEvent | None
    raw: bytes


class Stream:
    """A stream's lines as events (the HTML standard's server-sent events), and where it goes on after a break."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        #: Before it comes back, in seconds, as the server wishes.
        self.retry = 2.0
        self._type, self._id, self._data = "", "", list[str]()

    def headers(self) -> dict[str, str]:
        """What a request for the stream carries."""
        more = {"Last-Event-ID": self.cursor} if self.cursor is not None else {}
        return {"Accept": "text/event-stream", "Cache-Control": "no-store", **more}

    def begin(self) -> None:
        """A connection is new: half an event of the last one is none."""
        self._type, self._id, self._data = "", "", []

    def line(self, line: str) -> Told | None:
        """Take a line; gives the event that it ends."""
        if line:
            name, _, value = line.partition(":")
            self._take(name, value.removeprefix(" "))
            return None
        if not self._data:
            self.begin()
            return None
        self.cursor = self._id or self.cursor
        told = _told(self.cursor or "", self._type, "\n".join(self._data).encode())
        self.begin()
        return told

    def _take(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            self._id = value
        elif name == "retry" and value.isdigit():
            self.retry = int(value) / 1000


def _told(cursor: str, type_: str, raw: bytes) -> Told:
    try:
        event = _task_event(raw)
    except msgspec.ValidationError:
        event = None
    return Told(cursor, type_, event, raw)
