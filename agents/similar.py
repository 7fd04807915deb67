"""Whether a group message is the posting of a script, allowing for what people and WeChat change on the way.

Emoji, punctuation, spaces, mentions and the disclosure line are set aside; what is left is compared by the longest
common subsequence (rapidfuzz's indel similarity), so that an edited word costs its own length and no more.
"""

from __future__ import annotations

import re
import unicodedata

from rapidfuzz.distance import Indel

#: WeChat's emoji as text ([微笑]), a mention, the quotation above an answer.
_FACE = re.compile(r"\[[^\[\]\s]{1,6}\]")
_MENTION = re.compile(r"@[^\s\u2005]{1,24}\u2005")
_QUOTED = re.compile(r"^「[^」]{0,500}」\s*(?:-\s?){5,}")
#: The disclosure line starts with this and is the last of a text; it is not longer than that.
DASH = "——"
LONGEST_DISCLOSURE = 80
#: So many characters of either are compared; a chat message is rarely longer.
READ_CHARS = 1_000


def likeness(script: str, message: str) -> float:
    """Tell how likely a message is the posting of a script, 0 to 1; a lightly edited posting reaches 0.7.

    Both may carry a disclosure line or not. Texts of which one is less than half as long as the other are not alike.
    """
    wanted, said = words(script), words(message)
    shorter, longer = sorted((len(wanted), len(said)))
    if not shorter or 2 * shorter < longer:
        return 0.0
    return Indel.normalized_similarity(wanted, said)


def words(text: str) -> str:
    """What is said: letters and digits alone, without faces, mentions, quotations and who speaks."""
    text = text[:READ_CHARS]
    if "[" in text:
        text = _FACE.sub("", text)
    if "\u2005" in text:
        text = _MENTION.sub("", text)
    if text.startswith("「"):
        text = _QUOTED.sub("", text)
    words = "".join(filter(str.isalnum, _undisclosed(text)))
    if not unicodedata.is_normalized("NFKC", words):
        words = unicodedata.normalize("NFKC", words)
    return words.lower()


def _undisclosed(text: str) -> str:
    """The text without the line that says who speaks; a text that is nothing else stays."""
    at = text.rfind(DASH)
    if at <= 0 or len(text) - at > LONGEST_DISCLOSURE or "\n" in text[at:].strip():
        return text
    before = text[:at].rstrip(" ")
    return text if before[-1:].isalnum() else before
