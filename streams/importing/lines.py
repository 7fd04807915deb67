"""Files of JSON, a thing a line or all in one list: wechaty's payloads, and CloudEvents as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from schemas.encodings import looks_gbk
from schemas.errors import BadEvent, BadFile
from streams.importing import wechaty
from streams.importing.items import Fault, Item, Passed, Unit, Wrong
from streams.importing.orders import digest_of
from streams.importing.wechaty import Converted

#: A file that is one list is read whole: so many bytes at most.
MOST_OF_A_LIST: Final = 256 * 1024**2
_list = msgspec.json.Decoder(list[msgspec.Raw])


class Lines:
    """The things of a file, each made into events by `convert`.

    `version` says by what they are read: positions of a file hold for that alone.
    """

    header = ("line",)

    def __init__(self, path: Path, convert: Callable[[bytes], Converted], version: bytes) -> None:
        self.file, self._path, self._convert = str(path), path, convert
        self.digest = digest_of(path, version)

    def read(self) -> Iterator[Item]:
        """The things, in the order of the file; empty lines are none.

        Raises:
            BadFile: when the file is no text in UTF-8, or a list that is no JSON.
        """
        for place, raw in self._raws():
            shown = partial(_shown, raw)
            try:
                found = self._convert(raw)
            except BadEvent as error:
                yield Wrong((Fault(place, "", str(error)),), shown)
                continue
            yield Unit(place, found.raws, shown) if found.passed is None else Passed(place, found.passed)

    def _raws(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                raw = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if number == 1 and raw[:1] == b"[":
                    yield from self._listed()
                    return
                if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    raise BadFile(self.file, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8")
                if raw and number == 1 and looks_gbk(raw) and not _is_utf8(raw):
                    raise BadFile(self.file, 1, "the file is in GBK, not UTF-8", "save it as UTF-8")
                if raw:
                    yield number, raw

    def _listed(self) -> Iterator[tuple[int, bytes]]:
        if self._path.stat().st_size > MOST_OF_A_LIST:
            remedy = "write one thing a line, as jq -c '.[]' does"
            raise BadFile(self.file, None, "is one list, too large to be read whole", remedy)
        try:
            found = _list.decode(self._path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadFile(self.file, None, f"not JSON: {error}", "write one thing a line") from error
        for number, raw in enumerate(found, start=1):
            yield number, bytes(raw)


def _shown(raw: bytes) -> tuple[tuple[str, ...], ...]:
    return ((raw.decode(errors="replace"),),)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def wechaty_lines(path: Path, source: str = wechaty.SOURCE) -> Lines:
    """A dump of wechaty's payloads."""
    return Lines(path, lambda raw: wechaty.convert(raw, source), f"wechaty 1 {source}".encode())


def event_lines(path: Path) -> Lines:
    """CloudEvents, as they are."""
    return Lines(path, lambda raw: Converted((raw,)), b"events 1")
