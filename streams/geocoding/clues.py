"""An address that says too little by itself, as the point that a geocoder gives for it."""

from __future__ import annotations

from msgspec.structs import replace

from maps.locator import Locator, Said
from streams.geocoding.answers import Precision
from streams.geocoding.service import Geocoding


def pointed(geocoding: Geocoding, locator: Locator, said: Said, city: str = "") -> Said:
    """What is said with the point of its address; as it is, where it has a point, is placed already, or none is found.

    Only a point to the door counts: that of a road or a district is any estate's.
    """
    if not said.address or said.point is not None or locator.place(said).estate_id is not None:
        return said
    found = geocoding.locate(said.address, said.city or city)
    if found is None or found.precision is not Precision.DOOR:
        return said
    return replace(said, point=found.point)
