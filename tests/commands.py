"""Commands as somebody types them, each in a process of its own.

Such a process is forked from one that has imported the program before, so that two hundred of them do not each
spend a second on that. What the command gets is its own: words, folder, environment, standard streams.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.preloaded"])


def run(
    *words: object, cwd: Path, env: Mapping[str, str] | None = None, stdin: bytes | None = None, timeout: float = 120,
) -> CompletedProcess[bytes]:
    """Run `loupan` with these words to its end; its status, and what it wrote to either stream.

    Raises:
        TimeoutExpired: when it takes longer than `timeout` seconds; it is killed then.
    """
    said = [str(word) for word in words]
    with TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        files[0].write_bytes(stdin or b"")
        process = _processes.Process(
            target=_be, args=(said, str(cwd), dict(os.environ if env is None else env), [str(file) for file in files]))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutExpired(said, timeout)
        return CompletedProcess(said, process.exitcode, files[1].read_bytes(), files[2].read_bytes())


def _be(words: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    """Become the command."""
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(files[number], flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    sys.argv = ["loupan", *words]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from streams.cli import main  # only the command's own process needs it

    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
