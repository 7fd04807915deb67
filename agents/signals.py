"""What a message says: several signals at once, or none, each with a score and the span that it rests on.

First by rules: one automaton over all cue words is the prefilter, and only the cues whose words are there are looked
at closer. A quotation is not the speaker's own word; a negation, a question or another person before a word takes it
away. Then by a small model (`agents.signal_model`), which adds what no rule has a word for and takes away what the
rules took too literally. Last by what was called for: a bare 1 says something only after a call (`agents.calls`).
Which brand is ours is not known here: `competitor` names any brand.
"""

from __future__ import annotations

import re

import ahocorasick
from msgspec import Struct

from agents import signal_model
from agents.calls import answer_to
from agents.data import signal_weights as shipped
from agents.lexicon import CUES, ESTATE_AFFAIR, SHOP_AFFAIR, Cue, SignalName

#: All names, in the order of the documentation; `signals_of` answers in this order.
SIGNALS: tuple[SignalName, ...] = tuple(SignalName)

#: So many characters of a message are read.
READ_CHARS = 2_000
#: Kinds whose text is the sender's own words.
OWN_WORDS = frozenset({"text", "mixed", "image", "voice", "video", "chain", "vote", "collect", "location", "other"})
#: Of what is passed on (a link's or a file's title), only these are read.
PASSED_ON = frozenset({SignalName.ADVERTISES, SignalName.BREAKS_RULES, SignalName.COMPETITOR})


#: How sure an answer to a call is; between which bounds the scores of what the model adds lie.
ANSWERED, FAINTEST, SUREST = 0.8, 0.5, 0.95


class Signal(Struct, frozen=True, gc=False):
    """A thing that a message says; `span` is start and end in characters of the text, `score` 0 to 1."""

    name: str
    score: float
    span: tuple[int, int]


def _automaton(cues: tuple[Cue, ...]) -> ahocorasick.Automaton:
    calls: dict[str, list[int]] = {}
    for number, cue in enumerate(cues):
        for word in cue.words:
            calls.setdefault(word.lower(), []).append(number)
    automaton = ahocorasick.Automaton()
    for word, numbers in calls.items():
        automaton.add_word(word, (len(word), tuple(numbers)))
    automaton.make_automaton()
    return automaton


_HOME_CUES = tuple(cue for cue in CUES if cue.name is SignalName.STATES_HOME)
_ALL = _automaton(CUES)
_HOME = _automaton(_HOME_CUES)
_RANK = {name: rank for rank, name in enumerate(SIGNALS)}

#: What takes a fragile word away when it stands right before it.
_DENIED = re.compile(r"(?:不|没有?|别|无|未|非|甭|莫|谈不上|算不上)[^，。！？,!?\s]{0,2}$")
#: Somebody else, right before: it is they who want or do it.
_OTHERS = re.compile(r"(?:他们?|她们?|人家|别人|同事|朋友|邻居|隔壁|客户|亲戚|闺蜜)家?(?:也|都|正|说|就|还|可能)*$")
#: The old WeChat quotation of a message above the answer, and speech in quotation marks.
_QUOTED = re.compile(
    r"^「[^」]{0,1000}」\s*(?:[-—]\s?){3,}"
    r"|(?:说|讲|道|问|回|写|发|喊|：|:)[：:，,\s]?(?:“[^”]{0,300}”|「[^」]{0,300}」|『[^』]{0,300}』|\"[^\"]{0,300}\")"
)
#: Without one of these nothing is quoted and nobody mentioned.
_SET_ASIDE = re.compile(f"[{signal_model.ASIDE_SIGNS}]")
_MENTION = re.compile(r"(?<![别要再老总是])@[^\s\u2005@，。,]{1,24}(?:[\s\u2005]|$)")
_IF = re.compile(r"(?:如果|要是|假如|万一|听说|以为|他说|她说|朋友说|同事说)[^，。！!？?]{0,4}$")
#: Signals of which the model adds none where the rules refused them.
FIRM = frozenset({
    SignalName.SIGNS_UP, SignalName.PRAISES, SignalName.COMPLAINS, SignalName.STATES_HOME, SignalName.OPTS_OUT,
    SignalName.DECLINES})
#: Of these only where it is denied: a question beside a judgement is no doubt of it ("真好看，多少钱？").
JUDGED = frozenset({SignalName.PRAISES, SignalName.COMPLAINS})
#: Alone these say something only after a call (`agents.calls`): the model adds nothing to them.
NEEDS_CALL = frozenset("接 跟 冲 要 来 我 行 有 有我 我在 我来 跟上 上车 拍了 举手 可以 好的 1 一".split())
#: Another's home, one of long ago, or a shop: the model does not tell them from the speaker's own.
_NOT_MINE = re.compile(
    r"(?:他|她|别人|人家|你|谁|哪|同事|朋友|亲戚|闺蜜|我[妈爸姐哥弟妹])们?家?[^，。]{0,2}(?:是|在|住|的)|不是|如果|要是|以前|原来|店(?:$|[^里])")
#: What is not seen: written between the characters of a word, it would hide the word.
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
#: From so many characters on the same few may be a flood.
_FLOOD_FROM = 40
#: Of a text with so many of them no more is looked at.
_LOOKED_AT = 4 * READ_CHARS
_CHAIN_FOR = re.compile(r"报名|团购|参团|拼团|量尺|到店|优惠|抢购|秒杀|下单|预约")
_CHAIN_LINE = re.compile(r"^\s*\d{1,3}[.、．]\s*(\S[^\n]*)$", re.MULTILINE)


def signals_of(text: str, kind: str = "text", after: str = "") -> tuple[Signal, ...]:
    """Tell what a message says: at most one signal of each name, in the order of `SIGNALS`.

    `kind` is the message's kind; what is only passed on (a link, a card) is not read as the sender's own words.
    `after` is what was called for last in the group (`agents.calls.Call`), or nothing.
    Spans are in characters of `text`, of which the first 2,000 are read.
    """
    if _UNSEEN.search(text, 0, _LOOKED_AT):
        return _seen_through(text[:_LOOKED_AT], kind, after)
    if kind == "chain" or text.startswith("#接龙"):
        return _chained(text[:READ_CHARS])
    seen = None
    if len(text) < _FLOOD_FROM and kind in OWN_WORDS:
        seen = signal_model.read(_lowered(text))
        if seen.says_nothing and not after:
            return ()
    low, found, refused = _ruled(text)
    if kind not in OWN_WORDS:
        return tuple(found[name] for name in sorted(found, key=_RANK.__getitem__) if name in PASSED_ON)
    _weigh(low, found, refused, seen if seen is not None and not seen.aside else signal_model.read(low))
    if after and (name := answer_to(low, after)) is not None and name not in found:
        found[name] = Signal(name.value, ANSWERED, _words_of(low))
    if not found:
        return ()
    _put_right(low, found)
    return tuple(found[name] for name in sorted(found, key=_RANK.__getitem__))


def as_ruled(text: str) -> tuple[str, tuple[str, ...]]:
    """A text as it is read, and what the rules alone find in it: what the model is given."""
    low, found, _ = _ruled(text)
    return low, tuple(name.value for name in found)


def _ruled(text: str) -> tuple[str, dict[SignalName, Signal], set[SignalName]]:
    """A text as it is read, what the rules find in it, and what they looked at and refused."""
    low = _lowered(text)
    if _SET_ASIDE.search(low):
        low = _own_words(low)
    hits = list(_ALL.iter(low))
    found, refused = _found(low, hits) if hits else ({}, set())
    if len(low) >= _FLOOD_FROM and (flood := _flood(low)):
        found[SignalName.BREAKS_RULES] = flood
    if found:
        _put_right(low, found)
    return low, found, refused


def _weigh(low: str, found: dict[SignalName, Signal], refused: set[SignalName], seen: signal_model.Read) -> None:
    """Let the model add what the rules did not find, and take away what it is sure is not there."""
    if low.count(" ") * 2 > len(low):
        # Most of it was another's word, and set aside.
        return
    if found:
        seen = seen.ruled(name.value for name in found)
    elif not seen.adds:
        return
    if low.strip() in NEEDS_CALL:
        return
    logits = seen.logits()
    added = [place for place, logit in enumerate(logits) if logit >= shipped.ADD[place]]
    for name in [name for name in found if logits[_RANK[name]] < shipped.VETO[_RANK[name]]]:
        del found[name]
    for place in added:
        name = SIGNALS[place]
        if name in found or name in refused or (name is SignalName.STATES_HOME and _NOT_MINE.search(low)):
            continue
        score = min(max(signal_model.chance(logits[place]), FAINTEST), SUREST)
        found[name] = Signal(name.value, score, signal_model.span(low, place))


def _words_of(low: str) -> tuple[int, int]:
    start = len(low) - len(low.lstrip())
    return start, max(len(low.rstrip()), start + 1)


def _seen_through(text: str, kind: str, after: str) -> tuple[Signal, ...]:
    """The signals of a text without its unseen characters, their spans in the text as it came."""
    places = [at for at, char in enumerate(text) if not _UNSEEN.match(char)]
    found = signals_of("".join(text[at] for at in places), kind, after)
    return tuple(
        Signal(signal.name, signal.score, (places[signal.span[0]], places[signal.span[1] - 1] + 1)) for signal in found)


def home_said(text: str) -> str:
    """Give the place that the speaker names as their own home ("绿地城3栋"), or an empty string."""
    low = _lowered(text)
    numbers = {number for _, (_, called) in _HOME.iter(low) for number in called}
    if not numbers:
        return ""
    low = _own_words(low)
    for number in sorted(numbers):
        if match := _stands(_HOME_CUES[number], low):
            start, end = next((match.span(i) for i in range(1, len(match.groups()) + 1) if match[i]), match.span())
            return text[start:end].strip()
    return ""


def states_home(text: str) -> bool:
    """Whether the speaker names an estate, a building or a unit as their own."""
    return bool(home_said(text))


def _lowered(text: str) -> str:
    text = text[:READ_CHARS]
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _own_words(low: str) -> str:
    """Blank out what others said and whom it is said to; lengths stay, so that spans do."""
    low = _QUOTED.sub(_blank, low)
    return _MENTION.sub(_blank, low) if _MENTION.sub("", low).strip() else low


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _found(
    low: str, hits: list[tuple[int, tuple[int, tuple[int, ...]]]]
) -> tuple[dict[SignalName, Signal], set[SignalName]]:
    found: dict[SignalName, Signal] = {}
    refused: set[SignalName] = set()
    looked: set[int] = set()
    for end, (length, numbers) in hits:
        for number in numbers:
            if number in looked:
                continue
            cue = CUES[number]
            known = found.get(cue.name)
            if known is not None and known.score >= cue.score:
                continue
            span = _span(cue, low, end + 1 - length, end + 1)
            if cue.shape is not None:
                looked.add(number)
            if span is not None:
                found[cue.name] = Signal(cue.name.value, cue.score, span)
            elif cue.name in FIRM and _refused(cue, low, end + 1 - length):
                refused.add(cue.name)
    return found, refused


def _refused(cue: Cue, low: str, start: int) -> bool:
    """Whether a cue's word is there but denied, asked, or another's: then no likeness to other messages counts."""
    if cue.name not in JUDGED and cue.never is not None and cue.never.search(low):
        return True
    return cue.fragile and _DENIED.search(low, max(0, start - 6), start) is not None


def _span(cue: Cue, low: str, start: int, end: int) -> tuple[int, int] | None:
    if cue.shape is not None:
        match = _stands(cue, low)
        return match.span() if match else None
    if cue.fragile and _DENIED.search(low, max(0, start - 6), start):
        return None
    if cue.never is not None and cue.never.search(low):
        return None
    return start, end


def _stands(cue: Cue, low: str) -> re.Match[str] | None:
    match = cue.shape.search(low) if cue.shape is not None else None
    if match is None or (cue.never is not None and cue.never.search(low)):
        return None
    if cue.name is SignalName.STATES_HOME and _IF.search(low, max(0, match.start() - 8), match.start()):
        return None
    if cue.fragile and _OTHERS.search(low, max(0, match.start() - 8), match.start()):
        return None
    return match


def _flood(low: str) -> Signal | None:
    """The same few characters over and over: at least 40, each distinct one ten times on average."""
    if len(low) < _FLOOD_FROM or len(set(low)) * 10 > len(low):
        return None
    return Signal(SignalName.BREAKS_RULES.value, 0.7, (0, len(low)))


def _put_right(low: str, found: dict[SignalName, Signal]) -> None:
    """What one signal says about another."""
    if SignalName.COMPLAINS in found and ESTATE_AFFAIR.search(low) and not SHOP_AFFAIR.search(low):
        del found[SignalName.COMPLAINS]
    if SignalName.ADVERTISES in found:
        for name in (SignalName.PRAISES, SignalName.SIGNS_UP, SignalName.STATES_NEED):
            found.pop(name, None)
    if SignalName.SIGNS_UP in found and SignalName.DECLINES in found:
        del found[SignalName.SIGNS_UP]
    if SignalName.COMPLAINS in found or SignalName.DECLINES in found:
        found.pop(SignalName.PRAISES, None)


def _chained(text: str) -> tuple[Signal, ...]:
    """WeChat's chain (接龙): who sends it has put themselves on its last line."""
    entries = list(_CHAIN_LINE.finditer(text))
    head = text[: entries[0].start()] if entries else text
    if not entries:
        return ()
    last = entries[-1]
    out = []
    if home := home_said(last[1]):
        at = text.index(home, last.start(1))
        out.append(Signal(SignalName.STATES_HOME.value, 0.8, (at, at + len(home))))
    if _CHAIN_FOR.search(head):
        out.append(Signal(SignalName.SIGNS_UP.value, 0.85, last.span(1)))
    return tuple(out)
