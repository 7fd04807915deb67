"""The geocoder that the settings name."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from geopy.adapters import URLLibAdapter
from sqlalchemy import Engine

from schemas.errors import BadFile
from streams.clocks import WallClock
from streams.geocoding.amap import AMap
from streams.geocoding.baidu import Baidu
from streams.geocoding.nominatim import Nominatim
from streams.geocoding.service import Geocoder, Geocoding
from streams.geocoding.tencent import Tencent
from streams.settings import Settings

_KEYED = {"amap": AMap, "baidu": Baidu, "tencent": Tencent}
#: What OpenStreetMap's own server allows: https://operations.osmfoundation.org/policies/nominatim/.
_OSM, _OSM_A_SECOND = "nominatim.openstreetmap.org", 1.0


def geocoding_of(settings: Settings, engine: Engine) -> Geocoding | None:
    """The geocoding that the settings ask for; None where they name no geocoder.

    Raises:
        BadFile: when its key is missing or cannot be read.
    """
    if settings.geocoder is None:
        return None
    a_second = settings.geocoder_per_second
    if settings.geocoder == "nominatim" and settings.geocoder_domain in (None, _OSM):
        a_second = min(a_second, _OSM_A_SECOND)
    clock = WallClock(ZoneInfo(settings.zone))

    def now() -> datetime:
        return clock.now()

    return Geocoding(
        engine, geocoder_of(settings), budget=settings.geocoder_budget, per_second=a_second,
        days=settings.geocoder_keep_days, now=now)


def geocoder_of(settings: Settings) -> Geocoder:
    """The geocoder that the settings name, ready to be asked.

    Raises:
        BadFile: as `geocoding_of`.
    """
    # urllib, not requests: that one repeats a call by itself, which would not be counted.
    common = {
        "scheme": settings.geocoder_scheme, "timeout": settings.geocoder_timeout, "user_agent": "loupan",
        "adapter_factory": URLLibAdapter,
    }
    if settings.geocoder == "nominatim":
        made: Geocoder = Nominatim(domain=settings.geocoder_domain or _OSM, **common)
        return made
    return _KEYED[settings.geocoder or ""](key_of(settings), domain=settings.geocoder_domain, **common)


def key_of(settings: Settings) -> str:
    """The geocoder's key, from the settings or the file that they name.

    Raises:
        BadFile: when there is none, or the file cannot be read or is empty.
    """
    if settings.geocoder_key is not None and (key := settings.geocoder_key.get_secret_value().strip()):
        return key
    if settings.geocoder_key_file is None:
        raise BadFile(
            "LOUPAN_GEOCODER_KEY", None, f"the geocoder {settings.geocoder} needs a key",
            "set it, or LOUPAN_GEOCODER_KEY_FILE to a file that holds it")
    try:
        key = settings.geocoder_key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise BadFile(str(settings.geocoder_key_file), None, what, "put the geocoder's key into it") from error
    if not key:
        raise BadFile(str(settings.geocoder_key_file), None, "is empty", "put the geocoder's key into it")
    return key
