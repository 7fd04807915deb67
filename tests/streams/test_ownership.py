from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.ownership import foreign_owners, refuse_foreign_owners

START = "from streams.ownership import refuse_foreign_owners; refuse_foreign_owners(); print('runs')"


def install(folder: Path, distribution: str, package: str, *, record: bool = True) -> None:
    """What pip leaves behind of a distribution with one package."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    if record:
        (info / "RECORD").write_text(f"{package}/__init__.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    else:
        (info / "top_level.txt").write_text(f"{package}\n")
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")


def start(*before: Path, after: Path | None = None) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    path = os.pathsep.join(str(folder) for folder in (*before, root, *([after] if after else [])))
    return subprocess.run(
        [sys.executable, "-c", START], env={**os.environ, "PYTHONPATH": path}, cwd="/",
        capture_output=True, text=True, timeout=60, check=False,
    )


def test_it_runs_where_nobody_else_owns_our_names():
    assert foreign_owners() == {}
    refuse_foreign_owners()
    assert start().stdout == "runs\n"


@pytest.mark.parametrize("record", [True, False])
def test_it_refuses_where_another_distribution_owns_agents_and_says_what_to_do(tmp_path: Path, record: bool):
    install(tmp_path, "openai-agents", "agents", record=record)
    done = start(after=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("schemas.errors.Unavailable: loupan cannot run in this environment")
    assert "`agents` belongs to openai-agents" in last
    assert "pip uninstall openai-agents" in last


def test_it_says_so_even_where_the_other_schemas_stands_before_ours(tmp_path: Path):
    install(tmp_path, "their-schemas", "schemas")
    done = start(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("loupan cannot run in this environment")
    assert "`schemas` belongs to their-schemas" in done.stderr


def test_a_distribution_whose_name_only_begins_like_ours_does_no_harm(tmp_path: Path):
    install(tmp_path, "maps-and-more", "maps_and_more")
    assert start(after=tmp_path).stdout == "runs\n"
