"""The demo's fictitious people: ten dealers of a made-up brand in Beijing's districts, with all that is theirs.

The names and points of estates are real, everything else is invented and says so.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import cos, hypot, radians
from random import Random

from maps.parents import with_parents
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Persona, Reference, Store
from schemas.values import PersonaClass, Role
from streams.demo.city import beijing_estates

BRAND = "木语全屋定制"
PLAYBOOK = "new-estate-own-group"

#: A dealer each; the slug stands in ids.
DISTRICTS = {
    "朝阳区": "chaoyang", "海淀区": "haidian", "西城区": "xicheng", "丰台区": "fengtai", "东城区": "dongcheng",
    "通州区": "tongzhou", "大兴区": "daxing", "顺义区": "shunyi", "石景山区": "shijingshan", "门头沟区": "mentougou",
}
_SURNAMES = "林周沈陈何许宋顾苏叶唐方程陆袁秦邵孟柳罗"
_GIVEN = (
    "晚", "晴", "默", "可", "苗", "安然", "一诺", "思远", "子衿", "小满", "雨桐", "知夏", "清和", "明朗",
    "若溪", "书言",
)
_STAFF = (Role.MAIN_PERSONA, Role.CUSTOMER_SERVICE, Role.DESIGNER, Role.GROUP_ADMIN)
_GROUP_NAMES = ("{}业主交流群", "{}装修交流群", "{}邻里群", "{}业主装修互助群")

#: Listed among the estates, but nobody moves into a new home there.
_NO_HOMES = ("大厦", "中心", "广场", "商城")

#: An estate is near a store within this, and two worked estates lie at least so far apart, in metres.
_NEAR, _APART = 7_000.0, 500.0
#: Every so many groups one is the second of its dealer's first estate.
_SECOND_EVERY = 12


def demo_reference(start_date: str, seed: int = 7, groups: int = 40) -> Reference:
    """Beijing with ten fictitious dealers, their stores, people, groups and campaigns.

    `start_date` (YYYY-MM-DD) is day 1 of the first campaigns; the others begin one and two days later.
    The same arguments give the same reference.
    """
    estates = with_parents(beijing_estates())
    rng = Random(f"{seed}/people")
    whole: dict[str, list[object]] = {name: [] for name in ("dealers", "stores", "groups", "personas", "campaigns")}
    shares = [groups // len(DISTRICTS) + (i < groups % len(DISTRICTS)) for i in range(len(DISTRICTS))]
    for number, (district, slug) in enumerate(DISTRICTS.items()):
        dealer = _Dealership(rng, district, slug, [e for e in estates if e.district == district])
        worked = dealer.groups(shares[number], sum(shares[:number]))
        whole["dealers"].append(dealer.dealer)
        whole["stores"].append(dealer.store)
        whole["groups"] += worked
        whole["personas"] += dealer.personas(worked)
        whole["campaigns"] += _campaigns(rng, worked, date.fromisoformat(start_date), number)
    return Reference.of(estates=estates, **whole)  # type: ignore[arg-type]  # the lists above hold one kind each


class _Dealership:
    """One dealer: a shop where the district's newest estates lie densest, and the people who work them."""

    def __init__(self, rng: Random, district: str, slug: str, estates: list[Estate]) -> None:
        self.rng, self.slug, self.short = rng, slug, district.removesuffix("区")
        homes = [estate for estate in estates if not estate.name.endswith(_NO_HOMES)]
        homes.sort(key=lambda e: (-(e.build_year or 0), e.estate_id))
        newest = homes[:30]
        self.site = min(newest, key=lambda e: (sum(min(_metres(e, o), _NEAR) for o in newest), e.estate_id))
        self.near = _spread([e for e in newest if _metres(self.site, e) <= _NEAR] + homes)
        self.dealer = Dealer(f"d-{slug}", f"{self.short}木语家居（模拟）", "北京")
        lng, lat = _point(self.site)
        self.store = Store(
            f"s-{slug}", self.dealer.dealer_id, f"{BRAND}·{self.short}店",
            round(lng + 0.004, 6), round(lat - 0.0015, 6), self.site.crs, rng.randint(6, 12),
        )

    def groups(self, count: int, before: int) -> list[Group]:
        """The dealer's groups: an estate each, now and then a second one of the first estate."""
        if count > len(self.near):
            raise ValueError(f"{self.dealer.name} has estates for {len(self.near)} groups, not for {count}")
        rows: list[Group] = []
        fresh = iter(self.near)
        for number in range(count):
            again = number > 0 and (before + number + 1) % _SECOND_EVERY == 0
            estate = self.near[0] if again else next(fresh)
            name = self.rng.choice(_GROUP_NAMES).format(estate.name) + ("②" if again else "")
            rows.append(Group(
                f"g-{self.slug}-{number + 1}", name, estate_id=estate.estate_id, dealer_id=self.dealer.dealer_id,
                store_id=self.store.store_id, owner_id=f"u-{self.slug}-1",
            ))
        return rows

    def personas(self, groups: list[Group]) -> list[Persona]:
        """Staff in all groups of the shop; and a buyer or two, each in the group of their own estate."""
        everywhere = tuple(group.group_id for group in groups)
        roles = [*_STAFF, *[Role.SHILL] * self.rng.randint(3, 4)]
        names = self._names(len(roles))
        people = [
            Persona(
                f"p-{self.slug}-{n}", name, role, PersonaClass.STAFF, f"u-{self.slug}-{n}", self.dealer.dealer_id,
                everywhere,
            )
            for n, (role, name) in enumerate(zip(roles, names, strict=True), start=1)
        ]
        for n, group in enumerate(groups[: self.rng.randint(2, 3)], start=len(roles) + 1):
            name = self.rng.choice(_SURNAMES) + self.rng.choice(("姐", "先生", "女士", "哥"))
            people.append(Persona(
                f"p-{self.slug}-{n}", name, Role.SHILL, PersonaClass.BUYER, f"{group.group_id}-buyer",
                self.dealer.dealer_id, (group.group_id,),
            ))
        return people

    def _names(self, count: int) -> list[str]:
        surnames = self.rng.sample(_SURNAMES, count)
        return [surname + self.rng.choice(_GIVEN) for surname in surnames]


def _campaigns(rng: Random, groups: list[Group], day_1: date, number: int) -> list[CampaignPlan]:
    estates = list(dict.fromkeys(group.estate_id for group in groups if group.estate_id))
    return [
        CampaignPlan(estate, PLAYBOOK, 1, (day_1 + timedelta(days=(number + n) % 3)).isoformat(), rng.randint(4, 9))
        for n, estate in enumerate(estates)
    ]


def _spread(estates: list[Estate]) -> list[Estate]:
    """The estates in their order, without those that lie too close to one before them."""
    taken: list[Estate] = []
    for estate in estates:
        if all(_metres(estate, other) >= _APART for other in taken):
            taken.append(estate)
    return taken


def _metres(one: Estate, other: Estate) -> float:
    # Good to a percent within a city, both points in one datum: it chooses a demo's sites, it places nobody.
    (lng, lat), (other_lng, other_lat) = _point(one), _point(other)
    return 111_200 * hypot((lng - other_lng) * cos(radians(lat)), lat - other_lat)


def _point(estate: Estate) -> tuple[float, float]:
    if estate.lng is None or estate.lat is None:
        raise ValueError(f"{estate.estate_id} {estate.name} has no point")
    return estate.lng, estate.lat
