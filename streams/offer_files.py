"""A dealer's offers from `offers.yaml`: a list, each with a name and terms as a script may show them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from agents.claims import claims
from agents.scripts import LONGEST_NAME, LONGEST_TERMS, clean
from agents.untrue import untrue
from schemas.errors import BadReference
from schemas.offer_terms import TERMS, Deal, OfferTerms
from schemas.reference import Offer
from streams.csv_rows import read_text
from streams.yaml_lines import Document, Loc, read_yaml

_FIELDS: Final = ("offer_id", "name", "terms", "price", "price_fen", "dealer_id", "category", *TERMS)
_TEXTS: Final = {"name": LONGEST_NAME, "terms": LONGEST_TERMS, "price": LONGEST_NAME}


_TERMS_ARE: Final = "see docs/orders.md for how terms are written"


def read_offers(path: Path, dealers: Collection[str]) -> list[Offer]:
    """The offers of a file, none where there is no file.

    An offer with a dealer_id is that dealer's alone and gets the id ``offer_id@dealer_id``, so that every
    dealer may have a flash_sale of their own (see `agents.scripts.offers_for`).

    Raises:
        BadReference: with the line.
    """
    if not path.is_file():
        return []
    file = path.name
    document = read_yaml(read_text(path, file), file, BadReference)
    rows, base = _rows(document, file)
    offers: dict[str, Offer] = {}
    for number, row in enumerate(rows):
        entry = _Entry(document, file, (*base, number))
        offer = entry.offer(row, dealers)
        if offer.offer_id in offers:
            what = f"the offer {offer.offer_id} stands twice"
            raise entry.bad("offer_id", what, "give each its own offer_id, or each dealer one")
        offers[offer.offer_id] = offer
    return list(offers.values())


def _rows(document: Document, file: str) -> tuple[list[Any], Loc]:
    data = document.data
    if data is None:
        return [], ()
    if isinstance(data, dict) and isinstance(data.get("offers"), list):
        return data["offers"], ("offers",)
    if isinstance(data, list):
        return data, ()
    raise BadReference(file, 1, "not a list of offers", "start each offer with `- offer_id:`")


class _Entry:
    """One offer of the file, with its place."""

    def __init__(self, document: Document, file: str, loc: Loc) -> None:
        self._document, self._file, self._loc = document, file, tuple(loc)

    def bad(self, name: str, what: str, remedy: str) -> BadReference:
        """An error at a field of the offer, or at the offer where it has no such field."""
        return BadReference(self._file, self._document.line((*self._loc, name)), what, remedy)

    def offer(self, row: Any, dealers: Collection[str]) -> Offer:
        """The offer, checked."""
        if not isinstance(row, dict):
            raise self.bad("", "an offer is not `name: value` lines", "start each offer with `- offer_id:`")
        unknown = next((name for name in row if name not in _FIELDS), None)
        if unknown is not None:
            raise self.bad(unknown, f"unknown field {unknown}", "known are " + ", ".join(_FIELDS))
        dealer = self._text(row, "dealer_id") or None
        if dealer is not None and dealer not in dealers:
            raise self.bad("dealer_id", f"dealer_id {dealer} is not in dealers.csv", "add it there, or correct it here")
        texts: dict[str, Any] = {name: self._words(row, name, longest) for name, longest in _TEXTS.items()}
        texts["price"] = texts["price"] or self._yuan(row)
        for name in ("name", "terms"):
            if not texts[name]:
                raise self.bad(name, f"{name} is empty", "fill it in")
        return Offer(
            offer_id=self._id(row, dealer), dealer_id=dealer, category=self._text(row, "category"),
            deal=self._deal(row), **texts)

    def _deal(self, row: dict[str, Any]) -> Deal | None:
        """The figures that orders are reckoned by."""
        try:
            return OfferTerms.model_validate({name: row[name] for name in TERMS if name in row}).deal
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            loc, what = detail["loc"], detail["msg"].removeprefix("Value error, ")
            name = str(loc[0]) if loc else "steps"
            where = ".".join(map(str, loc)) or name
            raise self.bad(name, f"{where}: {what[:1].lower()}{what[1:]}", _TERMS_ARE) from error

    def _id(self, row: dict[str, Any], dealer: str | None) -> str:
        id = self._text(row, "offer_id")
        # What loupan itself wrote says the dealer in the id already.
        id = id.removesuffix(f"@{dealer}") if dealer else id
        if not id:
            raise self.bad("offer_id", "offer_id is empty", "fill it in")
        if any(sign in id for sign in "@.\"'{}%") or any(char.isspace() for char in id):
            raise self.bad("offer_id", f"offer_id {id} cannot be named in a script", "use letters, digits and _")
        return f"{id}@{dealer}" if dealer else id

    def _words(self, row: dict[str, Any], name: str, longest: int) -> str:
        text = clean(self._text(row, name), longest + 1)
        if len(text) > longest:
            raise self.bad(name, f"{name} has more than {longest} characters", "a chat shows no more: make it shorter")
        if (words := untrue(text)) is not None:
            raise self.bad(name, f"{name} says what nobody can know: “{words}”", "say what the offer is, as 限20份")
        for claim in claims(text):
            who = "an owner" if claim.kind == "owner" else "a buyer"
            raise self.bad(name, f"{name} speaks as {who}: “{claim.text}”", "say only what is offered")
        return text

    def _text(self, row: dict[str, Any], name: str) -> str:
        value = row.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.bad(name, f"{name} is no text", "put it in quotes")
        return str(value).strip()

    def _yuan(self, row: dict[str, Any]) -> str:
        """`price_fen` in words, where no price is worded: 199900 is 1999元."""
        fen = row.get("price_fen")
        if fen is None:
            return ""
        if isinstance(fen, bool) or not isinstance(fen, int) or fen < 0:
            raise self.bad("price_fen", f"price_fen is no whole number of fen: {fen}", "1999 yuan are 199900")
        yuan, rest = divmod(fen, 100)
        return f"{yuan}.{rest:02d}元" if rest else f"{yuan}元"
