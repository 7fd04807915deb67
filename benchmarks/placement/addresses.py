"""How well addresses are parsed: F1 per part on labelled addresses, beside cpca and jionlp where they are installed.

    python benchmarks/placement/addresses.py LABELLED.jsonl [--wrong road]

LABELLED.jsonl has a row an address, `{"text", "spans": [[start, end, label, piece], …]}`, as in the NAACL 2019 set of
neural-chinese-address-parsing (for research only; it does not come with loupan). Its spans count tokens, of which a
run of digits or of letters is one. A part is right where it says the same place: 义乌 and 义乌市 do, 37 and 37号 do.
Where a row has several of a kind, the first counts. Not counted: what a row calls redundant, a district that it calls
a city (义乌市), a village's group that it calls a road (7组), what stands behind a house number's dash. An estate is
right with its sub-estate and without, a road with its lane (五洲路3巷) and without.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from maps.addresses import parse
from maps.divisions import short
from maps.names import plain

TOKENS = re.compile(r"\d+|[a-zA-Z]+|.", re.DOTALL)
#: A village's groups (7组, 连丰组) are called roads there.
GROUPS = ("组", "社", "队")
LABELS = {
    "province": ("prov",), "city": ("city",), "district": ("district",), "town": ("town",), "road": ("road",),
    "number": ("roadno",), "estate": ("poi",),
}


def rows(path: Path) -> tuple[list[tuple[str, dict[str, str]]], int]:
    """The addresses with their labelled parts, and how many rows do not add up and were left out."""
    out, left_out = [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        tokens = TOKENS.findall(row["text"])
        if row["spans"][-1][1] != len(tokens):
            left_out += 1
            continue
        parts: dict[str, str] = {}
        for start, end, label, _ in row["spans"]:
            piece = "".join(tokens[start:end])
            if not (label == "road" and piece.endswith(GROUPS)):
                parts.setdefault(label, piece)
        out.append((row["text"], parts))
    return out, left_out


def same(part: str, text: str) -> str:
    """A part as it is compared."""
    text = plain(text)
    if part in ("province", "city", "district"):
        return short(text)
    if part == "number":
        return re.sub(r"-.*|[号院]", "", text)
    return re.sub(r"\W", "", text)


def ours(text: str) -> dict[str, str]:
    """What loupan reads."""
    found = parse(text)
    return {part: getattr(found, part) for part in LABELS}


def of_cpca() -> Callable[[str], dict[str, str]]:
    """What cpca reads: divisions only."""
    import cpca  # noqa: PLC0415  # a peer, not a dependency

    def read(text: str) -> dict[str, str]:
        row = cpca.transform([text]).iloc[0]
        return {"province": row["省"] or "", "city": row["市"] or "", "district": row["区"] or ""}

    return read


def of_jionlp() -> Callable[[str], dict[str, str]]:
    """What jionlp reads: divisions and towns."""
    import jionlp  # noqa: PLC0415  # as above

    def read(text: str) -> dict[str, str]:
        row = jionlp.parse_location(text, town_village=True)
        return {
            "province": row["province"] or "", "city": row["city"] or "", "district": row["county"] or "",
            "town": row.get("town") or "",
        }

    return read


def judge(
    read: Callable[[str], dict[str, str]], labelled: list[tuple[str, dict[str, str]]], wrong: str | None = None
) -> tuple[dict[str, tuple[float, float, float]], float]:
    """Precision, recall and F1 by part, and microseconds an address."""
    counts = {part: [0, 0, 0] for part in LABELS}
    began = time.perf_counter()
    answers = [read(text) for text, _ in labelled]
    micros = (time.perf_counter() - began) / len(labelled) * 1e6
    for (text, gold), answer in zip(labelled, answers, strict=True):
        for part, labels in LABELS.items():
            said = [same(part, gold[label]) for label in labels if label in gold]
            got = same(part, answer.get(part, ""))
            if part in ("province", "city") and not said:
                continue  # filled in from what is said: right or wrong, it is not in the row
            if part == "district" and not said and got and got == same(part, gold.get("city", "")):
                continue  # 义乌市, which the row calls a city
            more = {"estate": ("subpoi",), "road": ("subRoad", "subroad")}.get(part, ())
            said += [said[0] + same(part, gold[label]) for label in more if said and label in gold]
            right = bool(got) and got in said
            counts[part][0] += right
            counts[part][1] += bool(got)
            counts[part][2] += bool(said)
            if part == wrong and not right and (got or said):
                print(f"{text}\t{said}\t{got}")
    table = {}
    for part, (right, got, there) in counts.items():
        precision, recall = right / max(got, 1), right / max(there, 1)
        table[part] = (precision, recall, 2 * precision * recall / max(precision + recall, 1e-9))
    return table, micros


def main() -> None:
    """Print a table a reader."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("labelled", type=Path)
    options.add_argument("--wrong", choices=sorted(LABELS), help="print what is wrong in this part")
    options.add_argument("--peers", action="store_true", help="also cpca and jionlp")
    said = options.parse_args()
    if not said.labelled.is_file():
        sys.exit(f"{said.labelled} is not there: name the labelled addresses")
    labelled, left_out = rows(said.labelled)
    print(f"{len(labelled)} addresses, {left_out} left out because their spans do not add up")
    readers: list[tuple[str, Callable[[], Callable[[str], dict[str, str]]]]] = [("loupan", lambda: ours)]
    if said.peers:
        readers += [("cpca", of_cpca), ("jionlp", of_jionlp)]
    for name, make in readers:
        try:
            read = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        table, micros = judge(read, labelled, said.wrong if name == "loupan" else None)
        print(f"{name}, {micros:.0f} µs an address")
        for part, (precision, recall, f1) in table.items():
            if recall:
                print(f"  {part:10} precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}")


if __name__ == "__main__":
    main()
