"""Killed anywhere, any number of times: nothing is lost, nothing doubled, and what goes out is the same, byte for byte.

The children and their killing are in `crash_child.py`. That the checks have power is shown on pipelines whose
transaction is split in two: the very same checks must find them out.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: How it ends when the transaction is split: an event that is worked twice meets its own log, or rows are missing.
FOUND_OUT = {"later": "UNIQUE constraint failed: estate_events", "first": " rows, not "}


def run(root: Path, folder: Path, check: str, *numbers: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.crash_child", check, str(folder), *map(str, numbers)],
        cwd=root, capture_output=True, text=True, timeout=240, check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def at_random(root, tmp_path_factory):
    """300 kills of the pipeline as it is, and at most as many of each pipeline whose transaction is split."""
    return run(root, tmp_path_factory.mktemp("random"), "random", 300, 200)


@pytest.fixture(scope="module")
def at_statements(root, tmp_path_factory):
    """Kills before the statements of one batch: where it is split, those at the transactions' ends."""
    return run(root, tmp_path_factory.mktemp("statements"), "statements", 24, 0)


def test_300_kills_at_random_lose_nothing_and_double_nothing(at_random):
    found = at_random["whole"]
    assert found["broken"] is None
    assert found["differ"] == []
    assert found["kills"] == 300
    assert found["rounds"] > 0
    # Most of them fell into a transaction: a kill between two of them would show little.
    assert found["in_transaction"] > 150


def test_the_stream_that_was_killed_has_tasks_campaign_events_and_dead_letters(at_random):
    rows = {table: int(words.split()[0]) for table, words in at_random["expected"].items()}
    assert rows["inbox"] > 1000
    assert rows["tasks"] > 300
    assert rows["outbox"] > 1000
    assert rows["dead_letters"] > 0


def test_a_kill_before_any_statement_of_a_batch_loses_nothing_and_doubles_nothing(at_statements):
    found = at_statements["whole"]
    assert found["differ"] == []
    assert found["points"] >= 24


@pytest.mark.parametrize("split", ["later", "first"])
def test_a_transaction_split_in_two_is_found_out_by_the_kills_at_random(at_random, split):
    found = at_random[split]
    assert FOUND_OUT[split] in f"{found['broken']} {found['differ']}"


@pytest.mark.parametrize("split", ["later", "first"])
def test_a_transaction_split_in_two_is_found_out_by_the_kills_at_statements(at_statements, split):
    assert FOUND_OUT[split] in str(at_statements[split]["differ"])
