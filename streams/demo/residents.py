"""A simulated group's members: who they are, where they live, how much they talk, when they join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, radians, sin
from random import Random

from maps.datum import from_wgs84, to_wgs84
from schemas.reference import Estate, Group, Persona, Reference
from schemas.values import PersonaClass, Role
from streams.demo.wire import DAY, HOUR, MINUTE, Data

#: What a staff persona's account is called: shop, post, name.
TITLES = {
    Role.MAIN_PERSONA: "门店主理人", Role.SHILL: "家装顾问", Role.DESIGNER: "设计师", Role.CUSTOMER_SERVICE: "客服",
    Role.GROUP_ADMIN: "群管理", Role.INSTALLER: "安装师傅", Role.LEADER: "店长",
}
_NICKS = (
    "阳光", "小王", "小李", "张先生", "李女士", "老赵", "豆豆妈", "糖糖爸爸", "Lily", "大海", "静水流深", "Mr.Zhang",
    "云淡风轻", "小满", "安妮", "橙子", "老杨", "吴姐", "一只猫", "果果妈咪", "Kevin", "向日葵", "小马哥", "木子",
    "晓晓", "郑工", "西瓜太郎", "暖暖", "Jason", "平安是福", "刘洋", "高高", "米粒", "孙女士", "周周", "阿杰",
)
_AREAS = (59, 76, 89, 89, 98, 105, 118, 128, 143)
#: Share of members who hardly ever speak.
_LURKERS = 0.45
#: Share of members who stand in the archive's first hand-over, because they were there before.
_THERE_BEFORE = 0.35


@dataclass(slots=True)
class Resident:
    """A simulated member; `weight` is how much they talk, `joins_ms` when they come, `leaves_ms` when they go."""

    member_id: str
    nick: str
    estate: Estate | None
    home: dict[str, object]
    weight: float
    joins_ms: int
    leaves_ms: int | None = None
    deeds: set[str] = field(default_factory=set)


class Census:
    """Makes the members of one group, from the group's own dice."""

    def __init__(self, rng: Random, group: Group, reference: Reference, near: Sequence[Estate]) -> None:
        self.rng, self.group, self.near = rng, group, near
        known = reference.estates.get(group.estate_id) if group.estate_id else None
        self.estate = known or (rng.choice(near) if near else None)
        personas = reference.personas_of_group.get(group.group_id, ())
        self.buyers = [persona for persona in personas if persona.cls is PersonaClass.BUYER]
        self.staff = [persona for persona in personas if persona.cls is not PersonaClass.BUYER]

    def residents(self, count: int, start_ms: int, offset_ms: int, rhythm: Sequence[float]) -> list[Resident]:
        """Buyers first, then the others, in the order in which they join."""
        there = max(len(self.buyers), round(count * _THERE_BEFORE))
        times = sorted(
            start_ms + (self.rng.randrange(10 * MINUTE) if n < there else self._comes(start_ms, offset_ms, rhythm))
            for n in range(count)
        )
        ids = [persona.member_id for persona in self.buyers]
        ids += [f"{self.group.group_id}-m{n:03d}" for n in range(1, count - len(ids) + 1)]
        return [self._resident(id, joins) for id, joins in zip(ids, times, strict=True)]

    def outsider(self, number: int, joins_ms: int) -> Resident:
        """Somebody who comes to sell something."""
        resident = self._resident(f"{self.group.group_id}-x{number}", joins_ms)
        resident.weight = 0.0
        return resident

    def elsewhere(self, resident: Resident) -> None:
        """Move the resident to another estate of the neighbourhood."""
        if self.near:
            resident.estate = self.rng.choice(self.near)
            resident.home["other"] = resident.estate.name

    def display_name(self, resident: Resident) -> str:
        """As people call themselves in such groups: half of them with building and room."""
        b, u, room = resident.home["b"], resident.home["u"], resident.home["room"]
        forms = (f"{b}-{u}-{room} {resident.nick}", f"{b}-{room}{resident.nick}", f"{b}栋{room} {resident.nick}")
        return self.rng.choice(forms) if self.rng.random() < 0.45 else resident.nick

    def shared_point(self, estate: Estate) -> Data | None:
        """Where the estate's resident stands: 30–150 m beside its point, in GCJ-02 as WeChat sends it."""
        if estate.lng is None or estate.lat is None or estate.crs is None:
            return None
        lng, lat = to_wgs84(estate.lng, estate.lat, estate.crs)
        metres, angle = self.rng.uniform(30, 150), self.rng.uniform(0, 6.2832)
        lng += metres * cos(angle) / (111_320 * cos(radians(lat)))
        lat += metres * sin(angle) / 110_900
        lng, lat = from_wgs84(lng, lat, "gcj02")
        return {"lng": round(lng, 6), "lat": round(lat, 6), "crs": "gcj02", "label": estate.name}

    def _resident(self, member_id: str, joins_ms: int) -> Resident:
        rng = self.rng
        home: dict[str, object] = {
            "estate": self.estate.name if self.estate else "小区", "b": rng.randint(1, 18), "u": rng.randint(1, 4),
            "room": f"{rng.randint(2, 26)}{rng.randint(1, 4):02d}", "area": rng.choice(_AREAS),
            "other": rng.choice(self.near).name if self.near else "隔壁小区",
        }
        weight = 0.02 if rng.random() < _LURKERS else min(rng.paretovariate(1.1), 60.0)
        return Resident(member_id, rng.choice(_NICKS), self.estate, home, weight, joins_ms)

    def _comes(self, start_ms: int, offset_ms: int, rhythm: Sequence[float]) -> int:
        """Milliseconds after the start: most in the first two days, at hours when people are awake."""
        days = min(int(self.rng.expovariate(1 / 1.6)), 9)
        hour = self.rng.choices(range(24), rhythm)[0]
        midnight = (start_ms + offset_ms) // DAY * DAY - offset_ms
        at = midnight + days * DAY + hour * HOUR + self.rng.randrange(HOUR)
        return (at if at > start_ms + 10 * MINUTE else at + DAY) - start_ms


def account(persona: Persona, store: str) -> str:
    """What a staff or partner persona's account is called in a group: shop, post, name."""
    return f"{store}-{TITLES[persona.role]}-{persona.name}"
