"""What a person is to say: the script filled with its values, and the words of it that honesty judges.

An offer is called what the dealer calls it, and 业主专享 makes nobody an owner. So where a name can only be
read as an offer's, it is judged as 活动; any other value of the stream or the reference stands in the text
that is judged as it stands in the one that is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from agents import scripts
from agents.claims import claims
from agents.folded import fold
from agents.untrue import untrue
from schemas.playbook import ScriptText

#: What an offer's name is judged as.
AN_OFFER = "活动"
#: How a name ends that says of itself that it is an offer.
_OFFER = re.compile(
    r"(?:专享|专属|福利|优惠|特惠|特卖|特价|[价券礼节季日]|礼包|团购?|拼单|活动|套餐|计划|惊喜|答谢|秒杀|报名)$")
_FIRST_PERSON = re.compile(r"[我俺咱偶]|本人|自家|自己")


class Text(Struct, frozen=True):
    """What is said, what goes along with it, and the words of both by which it is judged."""

    said: str
    attachments: tuple[str, ...]
    judged: str


def text_of(script: ScriptText, values: Mapping[str, Any]) -> Text:
    """The script's text for these values (see `agents.scripts.values_for`).

    Raises:
        BadScript: when a value is missing or empty, or the text becomes too long.
    """
    said, attachments = _filled(script, values)
    judged = (said, attachments)
    if any("offer" in words for words in (script.text, *script.attachments)):
        judged = _filled(script, {**values, "offer": {key: _judged(offer) for key, offer in values["offer"].items()}})
    return Text(said, attachments, "\n".join((judged[0], *judged[1])))


def _filled(script: ScriptText, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return scripts.render(script, values), tuple(scripts.fill(words, values) for words in script.attachments)


def _judged(offer: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**offer, "name": AN_OFFER} if is_an_offers_name(str(offer["name"])) else offer


@lru_cache(maxsize=1024)
def is_an_offers_name(name: str) -> bool:
    """Whether a name can only be read as an offer's: it ends as one, and says nothing of who speaks, even after 我."""
    if _OFFER.search(name) is None or _FIRST_PERSON.search(fold(name).text) is not None:
        return False
    return untrue(name) is None and not claims(name) and not claims(f"我{name}")
