"""Writes reference data as the files of a `--reference` folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from schemas.reference import Estate, Persona, Reference
from streams.whole import whole_folder

ESTATES = (
    "estate_id", "name", "address", "lng", "lat", "crs", "households", "city", "district", "build_year", "aliases",
)
DEALERS = ("dealer_id", "name", "city")
STORES = ("store_id", "dealer_id", "name", "lng", "lat", "crs", "staff")
GROUPS = ("group_id", "name", "kind", "estate_id", "dealer_id", "store_id", "owner_id", "open", "admission", "circle")
PERSONAS = ("persona_id", "name", "role", "class", "member_id", "dealer_id", "groups")
CAMPAIGNS = ("estate_id", "playbook", "stage", "start_date", "target_orders")


def write_reference(reference: Reference, directory: Path) -> None:
    """Write the CSV files of a `--reference` folder, `estates.geojson` for outlines and `offers.yaml` for offers.

    The folder is made where it isn't there; files of the same names are replaced. A file without rows is not
    written for outlines and offers, and holds only its header otherwise. All are written, or none.

    Raises:
        BadFile: when it can be no folder.
        Unavailable: when the system does not let us write it.
    """
    with whole_folder(directory) as folder:
        _write_files(reference, folder)


def _write_files(reference: Reference, directory: Path) -> None:
    _table(directory / "estates.csv", ESTATES, reference.estates.values())
    _table(directory / "dealers.csv", DEALERS, reference.dealers.values())
    _table(directory / "stores.csv", STORES, reference.stores.values())
    _table(directory / "groups.csv", GROUPS, reference.groups.values())
    _table(directory / "personas.csv", PERSONAS, reference.personas.values())
    _table(directory / "campaigns.csv", CAMPAIGNS, reference.campaigns)
    outlined = [estate for estate in reference.estates.values() if estate.outline]
    if outlined:
        _write(directory / "estates.geojson", json.dumps(_collection(outlined), ensure_ascii=False))
    if reference.offers:
        _write(directory / "offers.yaml", _offers(reference))
    if reference.answers:
        _write(directory / "knowledge.yaml", _answers(reference))


def _table(path: Path, columns: tuple[str, ...], rows: Iterable[Any]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row, column) for column in columns] for row in rows)


def _cell(row: Any, column: str) -> str:
    value = getattr(row, "cls" if column == "class" and isinstance(row, Persona) else column)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ";".join(value)
    return str(value)


def _collection(estates: list[Estate]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"estate_id": estate.estate_id},
                "geometry": {"type": "Polygon", "coordinates": estate.outline},
            }
            for estate in estates
        ],
    }


def _offers(reference: Reference) -> str:
    rows = [
        {name: getattr(offer, name) for name in offer.__struct_fields__ if name != "deal" and getattr(offer, name)}
        | (offer.deal.written() if offer.deal is not None else {})
        # One dealer's own offer has the dealer in its id; in the file that stands in its own column.
        | {"offer_id": offer.offer_id.partition("@")[0]}
        for offer in reference.offers.values()
    ]
    return yaml.safe_dump({"offers": rows}, allow_unicode=True, sort_keys=False)


def _answers(reference: Reference) -> str:
    rows = [
        {
            "id": answer.answer_id.partition("@")[0], "about": str(answer.about), "keys": list(answer.keys),
            "text": answer.text, "role": str(answer.role), "attachments": list(answer.attachments),
            **({"dealer_id": answer.dealer_id} if answer.dealer_id else {}),
        }
        for answer in reference.answers.values()
    ]
    return yaml.safe_dump({"entries": rows}, allow_unicode=True, sort_keys=False)


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
