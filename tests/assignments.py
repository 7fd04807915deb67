"""What workers have said of the partitions that they were given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from streams.topology import TOPOLOGY


def shared_out(logs: Iterable[Path], partitions: int) -> bool:
    """Whether each worker has its part, and all together have every partition (so many a topic) that the steps read."""
    taken = [re.findall(r'"partitions": (\d+), "event": "worker.assigned"', log.read_text()) for log in logs]
    parts = [int(one[-1]) if one else 0 for one in taken]
    return all(parts) and sum(parts) == partitions * sum(len(step.reads) for step in TOPOLOGY.steps)
