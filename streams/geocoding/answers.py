"""What a geocoder's answer is to us: a point in a known datum, and how precise it is."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from schemas.values import Crs, Point


class Precision(StrEnum):
    """What the point stands for. Only a `DOOR` is good enough to be an estate's point."""

    DOOR = "door"
    """A house number, an estate, a building, a point of interest."""
    STREET = "street"
    """Somewhere on a road, or a crossing."""
    AREA = "area"
    """The middle of a town, a district, a city, a zone; or of something that the provider was not sure about."""


class Geocoded(Struct, frozen=True):
    """A point that a geocoder gave; `level` is the provider's own word for what it stands for."""

    lng: float
    lat: float
    crs: Crs
    precision: Precision
    level: str

    @property
    def point(self) -> Point:
        """The point, in the provider's datum."""
        return Point(self.lng, self.lat, self.crs)
