"""The pictures that go along with a task: files of the house or of a dealer, found by the script they belong to.

In the folder LOUPAN_ATTACHMENTS a script's first attachment is `<script>-1.jpg`, and what is only for one dealer lies
in a folder of the dealer's id. A script may as well name the file itself as its attachment ("户型图.jpg"). Nothing of a
request becomes a path: what is not in the list of the folder is not there.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

#: What is served, by the end of its name. No SVG and no HTML: they may carry scripts.
KINDS = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif",
    "mp4": "video/mp4", "pdf": "application/pdf",
}
#: The folder is looked through no more often than that, in seconds.
_LOOK = 5.0
#: Files that are known at most: a folder that was named by mistake is not read to its end.
_MOST = 20_000


class _Script(msgspec.Struct):
    id: str
    attachments: tuple[str, ...] = ()


class _Task(msgspec.Struct):
    dealer_id: str
    script: _Script


_decode = msgspec.json.Decoder(_Task).decode


class Picture(NamedTuple):
    """A file that goes along, and its media type."""

    path: Path
    kind: str


class Pictures:
    """The files of the folder, by the dealer whose they are ("" for everybody) and their name. Safe from any thread."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = Lock()
        self._found: dict[tuple[str, str], Picture] = {}
        self._looked = -_LOOK

    @property
    def there(self) -> bool:
        """Whether there is a folder at all."""
        return self._folder is not None

    def places(self, body: bytes) -> list[int]:
        """Which attachments of a task have a file, counted from 1."""
        task = _decode(body)
        return [place for place in range(1, len(task.script.attachments) + 1) if self._of(task, place) is not None]

    def find(self, body: bytes, place: int) -> Picture | None:
        """The file of a task's attachment, counted from 1."""
        return self._of(_decode(body), place)

    def _of(self, task: _Task, place: int) -> Picture | None:
        if not 1 <= place <= len(task.script.attachments):
            return None
        found = self._look()
        names = (task.script.attachments[place - 1].strip().lower(), f"{task.script.id}-{place}".lower())
        keys = ((owner, name) for name in names for owner in (task.dealer_id, ""))
        return next((found[key] for key in keys if key in found), None)

    def _look(self) -> dict[tuple[str, str], Picture]:
        with self._lock:
            if self._folder is not None and time.monotonic() - self._looked >= _LOOK:
                self._found = _files(self._folder)
                self._looked = time.monotonic()
            return self._found


def _files(folder: Path) -> dict[tuple[str, str], Picture]:
    """The files of a folder and of its folders by their owner and both their names: whole, and without the end."""
    found: dict[tuple[str, str], Picture] = {}
    inner: list[tuple[str, Path]] = [("", folder)]
    for owner, place in inner:
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            # A folder that is not there, or not ours to read, holds nothing.
            continue
        for entry in entries:
            if len(found) >= _MOST:
                return found
            if entry.is_dir(follow_symlinks=False) and not owner:
                inner.append((entry.name, Path(entry.path)))
                continue
            stem, _, end = entry.name.rpartition(".")
            if stem and end.lower() in KINDS and entry.is_file(follow_symlinks=False):
                picture = Picture(Path(entry.path), KINDS[end.lower()])
                found.setdefault((owner, entry.name.lower()), picture)
                found.setdefault((owner, stem.lower()), picture)
    return found
