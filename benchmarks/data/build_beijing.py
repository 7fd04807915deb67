"""Builds the bundled city: a listing of Beijing's estates → `streams/demo/data/beijing_estates.csv.gz`.

    python benchmarks/data/build_beijing.py LISTING.csv streams/demo/data/beijing_estates.csv.gz

LISTING.csv is lianjiaSpider's crawl of 2019 (columns `source_id, name, build_year, lng_bd09, lat_bd09,
declared_district`; more may stand beside them and are left out, because they came from sets without a licence).
The result is the reference format of `estates.csv`. The same listing gives the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

COLUMNS = (
    "estate_id", "name", "address", "lng", "lat", "crs", "households", "city", "district", "build_year", "aliases",
)

#: The listing says its districts in pinyin.
DISTRICTS = {
    "dongcheng": "东城区", "xicheng": "西城区", "chaoyang": "朝阳区", "fengtai": "丰台区", "shijingshan": "石景山区",
    "haidian": "海淀区", "mentougou": "门头沟区", "fangshan": "房山区", "tongzhou": "通州区", "shunyi": "顺义区",
    "changping": "昌平区", "daxing": "大兴区", "huairou": "怀柔区", "pinggu": "平谷区", "miyun": "密云区",
    "yanqing": "延庆区",
}


def bundled(row: dict[str, str]) -> dict[str, str]:
    """An estate as it ships: only what lianjiaSpider itself published."""
    return {
        "estate_id": f"bj-{row['source_id']}", "name": row["name"].strip(),
        "lng": row["lng_bd09"], "lat": row["lat_bd09"], "crs": "bd09",
        "city": "北京", "district": DISTRICTS[row["declared_district"]], "build_year": row["build_year"],
    }


def build(listing: Path, out: Path) -> int:
    """Write the bundle; the number of estates."""
    with listing.open(encoding="utf-8-sig", newline="") as file:
        rows = sorted((bundled(row) for row in csv.DictReader(file)), key=lambda row: row["estate_id"])
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    # No time stamp in the archive's header, so that the same listing gives the same bytes.
    out.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    return len(rows)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(f"{build(Path(sys.argv[1]), Path(sys.argv[2]))} estates")
