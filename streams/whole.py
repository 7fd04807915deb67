"""Files that are written as a whole or not at all: whatever fails on the way leaves nothing half-done."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schemas.errors import BadFile, LoupanError, Unavailable

#: Errors of the system that say: another path was meant.
WRONG_PATH: Final = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
_REMEDIES: Final = {
    errno.ENOSPC: "make room, or name another place", errno.EDQUOT: "make room, or name another place",
    errno.EFBIG: "raise the limit, or name another place", errno.EROFS: "name a place that can be written",
    errno.EACCES: "give yourself the right to write it, or name another place",
}


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files come into `folder` in the end, over those of the same names.

    Folders within it are dropped. Where something fails, `folder` is as it was; it isn't made, either.

    Raises:
        BadFile: when `folder` can be none.
        Unavailable: when the system does not let us write it (a full disk, missing rights).
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".loupan-", dir=folder) as name:
            yield Path(name)
            for path in sorted(Path(name).iterdir()):
                if path.is_file():
                    path.replace(folder / path.name)
        made = []
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        _take_back(made)


def _take_back(made: list[Path]) -> None:
    """Remove the folders that were made for nothing, the inner ones first."""
    for path in made:
        try:
            path.rmdir()
        except OSError:
            return


def write_new(path: Path, text: str) -> None:
    """Write a file that isn't there yet.

    Raises:
        BadFile: when it is, or the path can be no file.
        Unavailable: when the system does not let us write it; nothing of it is left.
    """
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError as error:
        raise BadFile(str(path), None, "is there already", "name a file that isn't") from error
    except OSError as error:
        raise not_written(path, error) from error
    try:
        with file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise not_written(path, error) from error


def write_over(path: Path, body: bytes) -> None:
    """Write a file in the place of the one that may be there: whole, or not at all.

    Raises:
        BadFile: when the path can be no file.
        Unavailable: when the system does not let us write it; what was there is as it was.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
        with tempfile.NamedTemporaryFile(prefix=".loupan-", dir=path.absolute().parent, delete=False) as file:
            beside = Path(file.name)
            try:
                file.write(body)
                file.close()
                beside.chmod(0o666 & ~_umask())
                beside.replace(path)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise not_written(path, error) from error


def _umask() -> int:
    """What new files are not allowed; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def not_written(path: Path, error: OSError) -> LoupanError:
    """The error that says why something could not be written, and what to do."""
    why = f"cannot be written: {(error.strerror or str(error)).lower()}"
    if isinstance(error, WRONG_PATH):
        return BadFile(str(path), None, why, "name another place")
    return Unavailable(f"{path} {why}; {_REMEDIES.get(error.errno or 0, 'name another place')}")
