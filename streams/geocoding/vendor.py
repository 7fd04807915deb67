"""What the Chinese map services have in common, as geocoders of geopy.

Each answers with HTTP 200 whatever happened, and says in a status of its own what did: a vendor's class maps that
to `geopy.exc`. (geopy has Nominatim and Baidu; AMap and Tencent it has not.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

from geopy.exc import GeocoderParseError, GeopyError
from geopy.geocoders.base import DEFAULT_SENTINEL, Geocoder
from geopy.location import Location
from geopy.point import Point

from schemas.values import Crs
from streams.geocoding.answers import Precision

#: What reading an answer of another shape than documented ends in.
MISREAD = (KeyError, IndexError, TypeError, ValueError, AttributeError)


class VendorGeocoder(Geocoder):  # type: ignore[misc]  # geopy comes without types
    """A geocoder of geopy whose datum is known: `crs`."""

    name: ClassVar[str]
    domain: ClassVar[str]
    path: ClassVar[str]
    reverse_path: ClassVar[str]
    crs: Crs = "gcj02"

    def __init__(
        self, api_key: str, *, domain: str | None = None, scheme: str | None = None, timeout: Any = DEFAULT_SENTINEL,
        proxies: Any = DEFAULT_SENTINEL, user_agent: str | None = None, ssl_context: Any = DEFAULT_SENTINEL,
        adapter_factory: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(
            scheme=scheme, timeout=timeout, proxies=proxies, user_agent=user_agent, ssl_context=ssl_context,
            adapter_factory=adapter_factory,
        )
        self.api_key = api_key
        self._at = f"{self.scheme}://{(domain or self.domain).strip('/')}"

    def geocode(
        self, query: str, *, city: str = "", exactly_one: bool = True, timeout: Any = DEFAULT_SENTINEL
    ) -> Any:
        """The `geopy.Location` of an address, in the vendor's datum; None where it knows none.

        `city` says where the address is from. With `exactly_one=False` a list.

        Raises:
            geopy.exc.GeocoderServiceError: in its finest kind, for what the vendor or the way to it did.
        """
        return self._ask(self.path, self._question(query, city), self._places, exactly_one, timeout)

    def reverse(
        self, query: Any, *, exactly_one: bool = True, timeout: Any = DEFAULT_SENTINEL
    ) -> Any:
        """The address of a point that is in the vendor's datum: anything that `geopy.Point` takes.

        Raises:
            geopy.exc.GeocoderServiceError: as `geocode`.
        """
        point = Point(query)
        return self._ask(
            self.reverse_path, self._reverse_question(point), partial(self._addresses, point), exactly_one, timeout)

    def precision(self, location: Location) -> tuple[Precision, str]:
        """How precise an answer of `geocode` is, and the vendor's own word for it."""
        raise NotImplementedError

    def city(self, location: Location) -> str:  # noqa: ARG002  # those that say it read it there
        """The city that an answer of `geocode` lies in, where the vendor says it."""
        return ""

    def _question(self, query: str, city: str) -> dict[str, str]:
        raise NotImplementedError

    def _reverse_question(self, point: Point) -> dict[str, str]:
        raise NotImplementedError

    def _check(self, answer: Mapping[str, Any]) -> bool:
        """Whether there is anything to be read; raises what the vendor's status means."""
        raise NotImplementedError

    def _places(self, answer: Mapping[str, Any]) -> list[Location]:
        raise NotImplementedError

    def _addresses(self, point: Point, answer: Mapping[str, Any]) -> list[Location]:
        raise NotImplementedError

    def _ask(
        self, path: str, question: dict[str, str], read: Callable[[Mapping[str, Any]], list[Location]],
        exactly_one: bool, timeout: Any,
    ) -> Any:
        url = f"{self._at}{path}?{urlencode(question)}"
        return self._call_geocoder(url, partial(self._answer, read, exactly_one), timeout=timeout)

    def _answer(
        self, read: Callable[[Mapping[str, Any]], list[Location]], exactly_one: bool, answer: Any
    ) -> Location | list[Location] | None:
        try:
            found = read(answer) if self._check(answer) else []
        except GeopyError:
            raise  # some of them are ValueErrors, too
        except MISREAD as error:
            raise GeocoderParseError(f"{self.name} answered in another form than it documents") from error
        if not found:
            return None
        return found[0] if exactly_one else found


def said(value: Any) -> str:
    """A text of an answer: AMap says an empty one as ``[]``."""
    return value if isinstance(value, str) else ""
