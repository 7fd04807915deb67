"""Builds the names of China's divisions: an adcode table → `maps/division_names.py`.

    python benchmarks/data/build_divisions.py ADCODES.csv maps/division_names.py

ADCODES.csv has the columns `adcode, district, city_code, city, province_code, province` and was made from
china-division 2.7.0 (package.json: MIT, LICENSE: WTFPL). The same table gives the same bytes.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HEAD = '''"""Names of China's provinces, cities and districts: a line a city, the districts behind it.

Made by benchmarks/data/build_divisions.py from china-division 2.7.0 (by modood; its package.json says MIT, its LICENSE
WTFPL; it has them from the National Bureau of Statistics). Districts that no city stands over (in the
municipalities, or directly under a province) have `-` as their city. A line that goes on begins with a space.
"""

#: Per province: its name, then its cities in lines.
DIVISIONS = (
'''
#: What china-division calls districts that no city stands over.
UNDER_NO_CITY = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划")
WIDTH = 116


def module(rows: list[dict[str, str]]) -> str:
    """The module's text."""
    provinces: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        city = "-" if row["city"] in UNDER_NO_CITY else row["city"]
        cities = provinces.setdefault(row["province"], {})
        cities.setdefault(city, []).append(row["district"])
    out = [HEAD]
    for province, cities in provinces.items():
        out.append(f'    ("{province}", """\n')
        for city, districts in cities.items():
            out.extend(f"{line}\n" for line in _wrapped(f"{city}:", districts))
        out.append('"""),\n')
    out.append(")\n")
    return "".join(out)


def _wrapped(head: str, words: list[str]) -> list[str]:
    """Lines that are short enough; one that goes on begins with a space."""
    lines, line = [], head
    for word in words:
        if _width(line) + _width(word) + 1 > WIDTH:
            lines.append(line)
            line = ""
        line += f" {word}"
    return [*lines, line]


def _width(text: str) -> int:
    """The columns that a text takes: a Chinese character takes two."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with Path(sys.argv[1]).open(encoding="utf-8-sig", newline="") as file:
        table = sorted(csv.DictReader(file), key=lambda row: row["adcode"])
    Path(sys.argv[2]).write_text(module(table), encoding="utf-8")
    print(f"{len(table)} districts")
