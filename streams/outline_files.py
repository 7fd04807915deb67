"""Outlines of estates from GeoJSON (RFC 7946): polygons by `estate_id`, in WGS-84."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import BadReference
from streams.csv_rows import read_text
from streams.reference_cells import wrong_point

#: Rings of (lng, lat): outer rings and holes alike, so that a point is inside where it is inside an odd number.
Outline = tuple[tuple[tuple[float, float], ...], ...]

_FEATURES = re.compile(r'"features"\s*:\s*\[')
_CRS_OF_GEOJSON = re.compile(r"CRS84$|EPSG:+4326$", re.IGNORECASE)


class Outlines(dict[str, Outline]):
    """Outlines by estate, with the place of each feature for errors."""

    def __init__(self, file: str, text: str) -> None:
        super().__init__()
        self.file, self._text = file, text
        self._features: dict[str, int] = {}

    def add(self, number: int, estate_id: str, outline: Outline) -> None:
        """Keep the outline of one estate; the second of one is refused."""
        if estate_id in self:
            raise self.bad(number, f"estate_id {estate_id} has two outlines", "make one MultiPolygon of them")
        self[estate_id], self._features[estate_id] = outline, number

    def all_known(self, estates: Mapping[str, object], file: str) -> None:
        """Refuse an outline of an estate that `file` does not have."""
        for estate_id, number in self._features.items():
            if estate_id not in estates:
                what = f"estate_id {estate_id} is not in {file}"
                raise self.bad(number, what, f"add it to {file}, or correct it here")
        self._text = ""

    def bad(self, number: int, what: str, remedy: str) -> BadReference:
        """An error at a feature (counted from 0)."""
        return BadReference(self.file, _line_of_feature(self._text, number), what, remedy)


def read_outlines(path: Path) -> Outlines:
    """The outlines of a FeatureCollection of Polygons and MultiPolygons; none where there is no file.

    Raises:
        BadReference: with the line of the feature.
    """
    if not path.is_file():
        return Outlines(path.name, "")
    text = read_text(path, path.name)
    outlines = Outlines(path.name, text)
    for number, feature in enumerate(_features(text, path.name)):
        estate_id, rings = _read(outlines, number, feature)
        outlines.add(number, estate_id, rings)
    return outlines


def _features(text: str, file: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadReference(file, error.lineno, f"not JSON: {error.msg}", "write a FeatureCollection") from error
    except RecursionError as error:
        raise BadReference(file, 1, "not JSON: nested too deeply", "write a FeatureCollection") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("features"), list):
        raise BadReference(file, 1, "not a FeatureCollection", 'write {"type": "FeatureCollection", "features": […]}')
    name = str(_inside(whole, "crs", "properties", "name") or "CRS84")
    if not _CRS_OF_GEOJSON.search(name):
        raise BadReference(file, 1, f"the outlines are in {name}", "GeoJSON is in WGS-84 (CRS84): convert them")
    return list(whole["features"])


def _inside(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _read(outlines: Outlines, number: int, feature: Any) -> tuple[str, Outline]:
    estate_id = _inside(feature, "properties", "estate_id") or _inside(feature, "id")
    if not isinstance(estate_id, (str, int)) or not str(estate_id).strip():
        raise outlines.bad(number, "a feature without estate_id", "put estate_id into its properties")
    kind, coordinates = _inside(feature, "geometry", "type"), _inside(feature, "geometry", "coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise outlines.bad(number, f"the geometry of {estate_id} is {kind}", "an outline is a Polygon or MultiPolygon")
    try:
        polygons = [coordinates] if kind == "Polygon" else coordinates
        rings = tuple(tuple((float(at[0]), float(at[1])) for at in ring) for polygon in polygons for ring in polygon)
    except (TypeError, ValueError, LookupError) as error:
        what = f"the coordinates of {estate_id} cannot be read"
        raise outlines.bad(number, what, "a ring is a list of [lng, lat]") from error
    if (wrong := _wrong(rings)) is not None:
        raise outlines.bad(number, f"the outline of {estate_id}: {wrong[0]}", wrong[1])
    return str(estate_id).strip(), rings


def _wrong(rings: Outline) -> tuple[str, str] | None:
    if not rings:
        return "it has no ring", "give it one"
    for ring in rings:
        if len(ring) < 4 or ring[0] != ring[-1]:
            return "a ring is not closed", "end it where it began, after three corners at least"
        for lng, lat in ring:
            if (what := wrong_point(lng, lat)) is not None:
                return what
    return None


def _line_of_feature(text: str, number: int) -> int:
    """The line on which a feature begins. Only looked for when something is wrong with it."""
    start = _FEATURES.search(text)
    if start is None:
        return 1
    at, decoder = start.end(), json.JSONDecoder()
    for count in range(number + 1):
        while text[at] in ", \t\r\n":
            at += 1
        if count < number:
            at = decoder.raw_decode(text, at)[1]
    return text.count("\n", 0, at) + 1
