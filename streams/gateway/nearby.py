"""Estates by nearness: the point that is asked for, the order, and where the last page ended."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import cast, get_args

import numpy as np

from maps.book import EstateBook
from maps.datum import to_wgs84
from schemas.reference import Estate
from schemas.values import Crs
from streams.gateway.problems import BAD_PARAMETER, Problem
from streams.gateway.reasons import in_chinese
from streams.reference_cells import wrong_point

#: Parts the distance from the id in a cursor.
_THEN = "~"
#: Distances that are the same to so many decimals of a metre are the same.
_SAME = 5


def point_in(name: str, text: str) -> tuple[float, float]:
    """A parameter `lng,lat[,crs]` as a WGS-84 point.

    Raises:
        Problem: where it is none, with what is wrong and the remedy.
    """
    parts = [part.strip() for part in text.split(",")]
    crs = parts[2].lower() if len(parts) == 3 else "wgs84"
    try:
        lng, lat = float(parts[0]), float(parts[1]) if len(parts) in (2, 3) else float("nan")
    except ValueError:
        lng = lat = float("nan")
    if not (isfinite(lng) and isfinite(lat)):
        raise Problem(
            BAD_PARAMETER, f"参数 {name} 不是一个点：{text}（例如 116.404,39.915 或 116.410,39.916,gcj02）。",
            f"{name} is not a point: {text} (say 116.404,39.915, or 116.410,39.916,gcj02).")
    if crs not in get_args(Crs):
        raise Problem(
            BAD_PARAMETER, f"参数 {name} 的坐标系不认识：{crs}（wgs84、gcj02 或 bd09）。",
            f"{name} names an unknown datum: {crs} (say wgs84, gcj02 or bd09).")
    if (wrong := wrong_point(lng, lat)) is not None:
        zh, en = f"参数 {name} 的点有误：{in_chinese(wrong[0])}。", f"{name}: {wrong[0]}; {wrong[1]}."
        raise Problem(BAD_PARAMETER, zh, en)
    return to_wgs84(lng, lat, cast("Crs", crs))


def nearest_first(
    book: EstateBook, at: tuple[float, float], after: tuple[float, str] | None
) -> Iterator[tuple[str, float]]:
    """The ids of all estates that have a point, the nearest first, equally far ones by id; those `after` a place."""
    away = book.distances(*at).round(_SAME)
    for number in np.argsort(away, kind="stable").tolist():
        place = float(away[number]), book.id_of(number)
        if not isfinite(place[0]):
            return
        if after is None or place > after:
            yield place[1], place[0]


def cursor_after(estate: Estate, away: float | None) -> str:
    """Where a page ended."""
    return estate.estate_id if away is None else f"{away!r}{_THEN}{estate.estate_id}"


def place_in(cursor: str) -> tuple[float, str]:
    """Where the last page ended, in the order of nearness.

    Raises:
        Problem: for a cursor of another list.
    """
    distance, mark, estate_id = cursor.partition(_THEN)
    try:
        away = float(distance)
    except ValueError:
        away = float("nan")
    if not mark or not isfinite(away):
        raise Problem(
            BAD_PARAMETER, f"参数 cursor 不是按距离排列的列表给出的：{cursor}。",
            f"the cursor is not one of a list by nearness: {cursor}.")
    return away, estate_id
