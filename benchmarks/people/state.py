"""How large a group's rows are, and what of them a message reads and writes: `python -m benchmarks.people.state`."""

from __future__ import annotations

import sys

import msgspec

from agents import campaign
from agents.people_rows import BORNE, CONNECTED, RECENT, TIES
from agents.records import EstateRecord, Place
from agents.rows import Address
from agents.state import CAMPAIGN_ROW, MEMBER, TALLY
from tests.agents.drive import world
from tests.agents.simulated_groups import Group
from tests.memory_rows import MemoryRows

NAMES = {
    CAMPAIGN_ROW: "campaign", TALLY: "counts of the group", MEMBER: "members", TIES: "ties", RECENT: "last authors",
    BORNE: "what one message bears", CONNECTED: "connections",
}
_pack = msgspec.msgpack.Encoder().encode


class Watched(MemoryRows):
    """Rows that remember which were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[Address] = set()

    def get(self, address: Address) -> object:
        """The row at the address, or None."""
        self.read.add(address)
        return super().get(address)


def main(members: int = 500, each: int = 10) -> None:
    """Print both tables."""
    rows, world_ = Watched(), world()
    read, written = [], []
    for message in Group(1, members, each).messages():
        campaign.advance(EstateRecord("e1", message, Place("e1", name="3栋小王", building="3栋")), rows, world_)
        read.append(sum(len(_pack(row)) for at in rows.read if (row := rows.at.get(at)) is not None))
        written.append(sum(len(_pack(row)) for row in rows.keep().values()))
        rows.read.clear()
    for name, sizes in (("read", sorted(read)), ("written", sorted(written))):
        half, most = sizes[len(sizes) // 2], sizes[len(sizes) * 99 // 100]
        nothing = sum(size == 0 for size in sizes) / len(sizes)
        sys.stdout.write(f"{name}: {half} bytes in the median, {most} at the 99th percentile; none: {nothing:.0%}\n")
    sys.stdout.write("\n| rows | how many | bytes in all | bytes each |\n|---|--:|--:|--:|\n")
    for kind, name in NAMES.items():
        sizes = [len(_pack(row)) for address, row in rows.at.items() if address[2] == kind]
        if sizes:
            sys.stdout.write(f"| {name} | {len(sizes)} | {sum(sizes)} | {sum(sizes) // len(sizes)} |\n")


if __name__ == "__main__":
    main()
