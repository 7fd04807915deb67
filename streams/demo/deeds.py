"""What single members of a simulated group do: say or share where they live, opt out, advertise, ask to be erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from streams.demo.residents import Census, Resident
from streams.demo.talk import Talk
from streams.demo.wire import DAY, HOUR, MINUTE, SECOND, WECOM, Wire

#: Who does what: the share of members.
_SHARES = (("location", 0.07), ("declares", 0.015), ("opts_out", 0.012), ("leaves", 0.03))
#: The rare things: the share of groups in which one member does it.
_RARE = (("withdraws", 0.5), ("erased", 0.35), ("abuses", 0.4), ("opts_out", 0.9))
_ELSEWHERE, _HOME = 0.04, 0.22


class Voice(Protocol):
    """How a deed is heard: the group that it happens in."""

    rng: Random
    wire: Wire
    talk: Talk
    census: Census

    @property
    def group_id(self) -> str:
        """The group."""

    def cause(self) -> tuple[str, str]:
        """A cause for the next event."""

    def says(self, at_ms: int, member_id: str, text: str | None, **more: object) -> str:
        """A message in the group."""


def decide(rng: Random, census: Census, residents: Sequence[Resident], *, surely: bool) -> None:
    """Decide who does what: most of it by chance, the rare things for certain where `surely`."""
    buyers = {persona.member_id for persona in census.buyers}
    plain = [r for r in residents if not r.deeds and r.member_id not in buyers]
    for resident in plain:
        chance = rng.random()
        if chance < _ELSEWHERE:
            resident.deeds.add("elsewhere")
            census.elsewhere(resident)
        elif chance < _ELSEWHERE + _HOME:
            resident.deeds.add("home")
        resident.deeds.update(deed for deed, share in _SHARES if rng.random() < share)
    for deed, share in _RARE:
        if plain and (surely or rng.random() < share):
            rng.choice(plain).deeds.add(deed)


def live(voice: Voice, resident: Resident) -> None:
    """Put all that the resident does on the wire, and set when they leave."""
    rng, last = voice.rng, resident.joins_ms
    for name in sorted(resident.deeds & _DEEDS.keys()):
        days, deed = _DEEDS[name]
        at_ms = _awake(voice, resident.joins_ms + int(rng.uniform(0.02, days) * DAY))
        deed(voice, resident, at_ms)
        last = max(last, at_ms)
    if "erased" in resident.deeds:
        last = _awake(voice, last + int(rng.uniform(2, 6) * DAY))
        erased = {"member_id": resident.member_id}
        voice.wire.send(last, WECOM, "loupan.member.erased.v1", erased, *voice.cause())
        resident.leaves_ms = last + MINUTE
    elif "leaves" in resident.deeds or ("advertises" in resident.deeds and rng.random() < 0.5):
        resident.leaves_ms = _awake(voice, last + int(rng.uniform(1, 6) * DAY))


def _awake(voice: Voice, at_ms: int) -> int:
    """The time itself, or in the morning where it falls into the night."""
    hour = (at_ms + voice.wire.offset_ms) % DAY // HOUR
    return at_ms + (9 * HOUR if hour < 1 else 8 * HOUR if hour < 7 else 0)


def _line(name: str) -> Callable[[Voice, Resident, int], None]:
    def deed(voice: Voice, resident: Resident, at_ms: int) -> None:
        voice.says(at_ms, resident.member_id, voice.talk.line(voice.rng, name, resident.home))

    return deed


def _shares_location(voice: Voice, resident: Resident, at_ms: int) -> None:
    point = voice.census.shared_point(resident.estate) if resident.estate else None
    if point:
        voice.says(at_ms, resident.member_id, None, kind="location", location=point)


def _declares(voice: Voice, resident: Resident, at_ms: int) -> None:
    if resident.estate:
        data = {
            "member_id": resident.member_id, "group_id": voice.group_id,
            "estate_id": resident.estate.estate_id, "estate_name": resident.estate.name,
        }
        voice.wire.send(at_ms, WECOM, "loupan.member.home-declared.v1", data, *voice.cause())


def _opts_out(voice: Voice, resident: Resident, at_ms: int) -> None:
    _line("opts_out")(voice, resident, at_ms)
    if voice.rng.random() < 0.4:
        _takes_back(voice, resident, at_ms + MINUTE, "marketing")


def _withdraws(voice: Voice, resident: Resident, at_ms: int) -> None:
    _takes_back(voice, resident, at_ms, "profiling")


def _takes_back(voice: Voice, resident: Resident, at_ms: int, scope: str) -> None:
    data = {"member_id": resident.member_id, "scope": scope, "granted": False}
    voice.wire.send(at_ms, WECOM, "loupan.member.consent.v1", data, *voice.cause())


def _advertises(voice: Voice, resident: Resident, at_ms: int) -> None:
    _line("advertises")(voice, resident, at_ms)
    # Now and then with a flood of pictures: ten or more are against the group's order.
    for n in range(1, 12 if voice.rng.random() < 0.3 else 1):
        voice.says(at_ms + n * 2 * SECOND, resident.member_id, None, kind="image")


#: Within how many days after joining a member does it, and how.
_DEEDS: dict[str, tuple[float, Callable[[Voice, Resident, int], None]]] = {
    "home": (1.5, _line("home")),
    "elsewhere": (2.0, _line("elsewhere")),
    "location": (4.0, _shares_location),
    "declares": (5.0, _declares),
    "opts_out": (8.0, _opts_out),
    "withdraws": (6.0, _withdraws),
    "abuses": (8.0, _line("breaks_rules")),
    "advertises": (1.0, _advertises),
}
