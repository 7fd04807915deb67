"""Reference data from a folder: who and what there is, checked row by row before anything is used.

Only `estates.csv` must be there. Whatever is wrong is said with its file and line; nothing is guessed, and
nothing is half-read: the folder is read as a whole or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from types import MappingProxyType
from typing import Final, TypeVar

from agents.claims import claims
from agents.honesty import may_speak_as, signature_fault
from maps.parents import with_parents
from schemas.errors import BadReference
from schemas.playbook import Playbook
from schemas.reference import CampaignPlan, Dealer, Estate, Group, Persona, Reference, Store
from schemas.values import Circle, Crs, GroupKind, PersonaClass, Role, Way
from streams.campaign_values import check_values
from streams.character_files import with_characters
from streams.csv_rows import Row, read_rows, read_text
from streams.knowledge_files import read_answers
from streams.offer_files import read_offers
from streams.outline_files import Outline, read_outlines
from streams.people_cells import days_off_of, hours_of, skills_of
from streams.playbook_files import builtin_playbooks, load_texts, written
from streams.playbook_shelf import name_of, shelve, startable
from streams.reference_cells import (
    date_of,
    households_of,
    list_of,
    open_of,
    point_of,
    unknown,
    whole_of,
    word_of,
    year_of,
)

T = TypeVar("T")

ESTATES: Final = "estates.csv"
DEALERS: Final = "dealers.csv"
STORES: Final = "stores.csv"
GROUPS: Final = "groups.csv"
PERSONAS: Final = "personas.csv"
CAMPAIGNS: Final = "campaigns.csv"
OUTLINES: Final = "estates.geojson"
OFFERS: Final = "offers.yaml"
KNOWLEDGE: Final = "knowledge.yaml"
PLAYBOOKS: Final = "playbooks"
CHARACTERS: Final = "characters.yaml"

#: All that is read of a folder.
READ: Final = (
    ESTATES, DEALERS, STORES, GROUPS, PERSONAS, CAMPAIGNS, OUTLINES, OFFERS, KNOWLEDGE, PLAYBOOKS, CHARACTERS)

#: A display name that lets somebody pass for one who lives there: "业主小王", "热心邻居", and house numbers as owners
#: write them ("3-2-1201 小王", "小王3栋").
_NEIGHBOUR: Final = re.compile(
    r"业主(?!服务|顾问|管家)|邻居|住户|"
    r"\d+\s*[栋幢]|\d+\s*[-－—]\s*\d+\s*[-－—]\s*\d{3,4}"
)


@dataclass(frozen=True, slots=True)
class Folder:
    """What a `--reference` folder holds: the rows, every playbook that may be used, and the folder's own as YAML.

    `playbooks` as `streams.playbook_shelf.shelve` names them; `playbook_texts` by name and version, patches put upon
    their base.
    """

    reference: Reference
    playbooks: Mapping[str, Playbook]
    playbook_texts: Mapping[str, str]


def read_reference(directory: Path) -> Reference:
    """The reference data of a folder.

    Raises:
        BadReference: with the file, the line (1-based), what is wrong and the remedy.
        BadPlaybook: the same, for a playbook of the folder.
    """
    return read_folder(directory).reference


def read_folder(directory: Path) -> Folder:
    """As `read_reference`, with the playbooks: those that ship, and over them the folder's own, in all versions."""
    if not directory.is_dir():
        raise BadReference(str(directory), None, "there is no such folder", "name the folder that holds estates.csv")
    if not (directory / ESTATES).is_file():
        raise BadReference(ESTATES, None, "the file is missing", f"put it into {directory}")
    return _Reader(directory).read()


def unread(directory: Path) -> list[str]:
    """What else lies in a folder: a misspelt name would be passed over in silence. Hidden files and notes apart."""
    names = sorted(path.name for path in directory.iterdir())
    return [
        name for name in names
        if name not in READ and not name.startswith((".", "~")) and not name.lower().endswith((".md", ".txt"))
    ]


def read_estates(path: Path, default_crs: Crs | None = None) -> list[Estate]:
    """The estates of one file, sorted by id; `default_crs` is the datum of a point that names none.

    Raises:
        BadReference: as `read_reference`.
    """
    return sorted(_once(estate_rows(path, default_crs), "estate_id"), key=lambda estate: estate.estate_id)


def read_playbooks(
    directory: Path, offers: Collection[str] = (), dealers: Collection[str] = ()
) -> tuple[list[Playbook], dict[str, str]]:
    """The playbooks of a folder's `playbooks/`, checked, and their YAML by name and version.

    A patch is there as what it makes: it needs no base any more.

    Raises:
        BadPlaybook: with the file and the line.
        BadReference: for two files of one name and version, an unknown dealer, or another encoding.
    """
    texts = {
        f"{PLAYBOOKS}/{path.name}": read_text(path, f"{PLAYBOOKS}/{path.name}")
        for path in sorted((directory / PLAYBOOKS).glob("*.y*ml"))
    }
    loaded = load_texts(texts.items(), offers, builtin_playbooks().values())
    named: dict[str, str] = {}
    for file, playbook in sorted(loaded, key=lambda item: item[0]):
        name, made = name_of(playbook), playbook.derived
        if name in named:
            what = f"version {playbook.edition} of the playbook {playbook.playbook} stands in two files"
            raise BadReference(file, 1, what, "rename one, or give it a version of its own")
        if made is not None and made.dealer_id is not None and made.dealer_id not in dealers:
            raise BadReference(file, 1, f"unknown dealer_id {made.dealer_id}", f"put it into {DEALERS}")
        named[name] = texts[file] if made is None else written(playbook)
    return [playbook for _, playbook in loaded], named


# --- one folder -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    directory: Path
    dealers: dict[str, Dealer] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def read(self) -> Folder:
        self.dealers = self._all(DEALERS, _dealers, "dealer_id")
        offers = read_offers(self.directory / OFFERS, self.dealers)
        names = {offer.offer_id.partition("@")[0] for offer in offers}
        own, texts = read_playbooks(self.directory, names, self.dealers)
        playbooks = shelve(builtin_playbooks().values(), own)
        named = names.union(*(playbook.offers for playbook in playbooks.values()))
        answers = read_answers(self.directory / KNOWLEDGE, self.dealers, named)
        self.stores = self._all(STORES, self._stores, "store_id")
        outlines = read_outlines(self.directory / OUTLINES)
        rows = estate_rows(self.directory / ESTATES, None, outlines)
        self.estates = {estate.estate_id: estate for estate in with_parents(_once(self._related(rows), "estate_id"))}
        outlines.all_known(self.estates, ESTATES)
        self.groups = self._all(GROUPS, self._groups, "group_id")
        personas = with_characters(self.directory / CHARACTERS, self._all(PERSONAS, self._personas, "persona_id"))
        campaigns = list(self._campaigns(playbooks))
        reference = Reference.of(
            estates=sorted(self.estates.values(), key=lambda estate: estate.estate_id),
            dealers=sorted(self.dealers.values(), key=lambda dealer: dealer.dealer_id),
            stores=self.stores.values(), groups=self.groups.values(), personas=personas.values(),
            campaigns=[plan for plan, _ in campaigns], offers=sorted(offers, key=lambda offer: offer.offer_id),
            answers=answers,
        )
        check_values(reference, playbooks, [(plan, row.bad) for plan, row in campaigns])
        return Folder(reference, playbooks, texts)

    def _all(self, file: str, read: Callable[[Path], Iterator[tuple[Row, T]]], column: str) -> dict[str, T]:
        path = self.directory / file
        return {row_id(thing, column): thing for thing in _once(read(path), column)} if path.is_file() else {}

    def _related(self, rows: Iterator[tuple[Row, Estate]]) -> Iterator[tuple[Row, Estate]]:
        """The rows, and in the end whether every parent that they name is there and has none of its own."""
        named: list[tuple[Row, Estate]] = []
        parents: dict[str, str] = {}
        for row, estate in rows:
            parents[estate.estate_id] = estate.parent
            if estate.parent:
                named.append((row, estate))
            yield row, estate
        for row, estate in named:
            if estate.parent == estate.estate_id:
                raise row.bad(f"estate_id {estate.estate_id} is its own parent", "leave parent empty")
            self._known(row, "parent", estate.parent, parents, ESTATES)
            if above := _circle(estate.estate_id, parents):
                raise row.bad(f"parent {estate.parent} has {above} above itself", "an estate is part of one greater")

    def _stores(self, path: Path) -> Iterator[tuple[Row, Store]]:
        for row in read_rows(path, ("store_id", "dealer_id", "name")):
            dealer = self._known(row, "dealer_id", row.needed("dealer_id"), self.dealers, DEALERS)
            lng, lat, crs = point_of(row)
            staff = whole_of(row, "staff", 0, 100_000)
            yield row, Store(row.needed("store_id"), dealer, _signed(row), lng, lat, crs, staff)

    def _groups(self, path: Path) -> Iterator[tuple[Row, Group]]:
        for row in read_rows(path, ("group_id",)):
            estate = self._known(row, "estate_id", row.text("estate_id"), self.estates, ESTATES)
            dealer = self._known(row, "dealer_id", row.text("dealer_id"), self.dealers, DEALERS)
            store = self._known(row, "store_id", row.text("store_id"), self.stores, STORES)
            if store:
                dealer = self._dealer_of(row, store, dealer)
            yield row, Group(
                row.needed("group_id"), row.text("name"), word_of(row, "kind", GroupKind, GroupKind.OWN),
                estate or None, dealer or None, store or None, row.text("owner_id") or None, open_of(row),
                _ways(row), word_of(row, "circle", Circle) if row.text("circle") else "",
            )

    def _dealer_of(self, row: Row, store: str, dealer: str) -> str:
        """A store says whose group it works, and a row that says otherwise contradicts itself."""
        owner = self.stores[store].dealer_id
        if dealer and dealer != owner:
            raise row.bad(f"store_id {store} belongs to dealer_id {owner}, not to {dealer}", "correct one of the two")
        return owner

    def _personas(self, path: Path) -> Iterator[tuple[Row, Persona]]:
        accounts, people = dict[tuple[str, str], int](), dict[str, tuple[Persona, int]]()
        for row in read_rows(path, ("persona_id", "name", "role", "class", "member_id", "dealer_id")):
            dealer = self._known(row, "dealer_id", row.needed("dealer_id"), self.dealers, DEALERS)
            persona = Persona(
                row.needed("persona_id"), row.needed("name"), word_of(row, "role", Role),
                word_of(row, "class", PersonaClass), row.needed("member_id"), dealer, list_of(row.text("groups")),
                hours_of(row), days_off_of(row), whole_of(row, "load", 0, 1000), skills_of(row),
            )
            _honest(row, persona)
            for group in persona.groups:
                self._known(row, "groups", group, self.groups, GROUPS)
                _one_account(row, persona, group, accounts)
            _one_person(row, persona, people)
            yield row, persona

    def _campaigns(self, playbooks: Mapping[str, Playbook]) -> Iterator[tuple[CampaignPlan, Row]]:
        path = self.directory / CAMPAIGNS
        if not path.is_file():
            return
        seen: dict[tuple[str, int], int] = {}
        for row in read_rows(path, ("estate_id", "playbook", "start_date")):
            estate = self._known(row, "estate_id", row.needed("estate_id"), self.estates, ESTATES)
            playbook = _playbook(row, playbooks)
            stage = whole_of(row, "stage", 1, 9) or 1
            if playbook.stage(stage) is None:
                have = ", ".join(str(plan.stage) for plan in playbook.stages)
                raise row.bad(f"the playbook {playbook.playbook} has no stage {stage}", f"it has the stages {have}")
            if (first := seen.setdefault((estate, stage), row.line)) != row.line:
                raise row.bad(f"estate_id {estate} has a campaign of stage {stage} in line {first}", "take one out")
            target = whole_of(row, "target_orders", 0, 1_000_000)
            yield CampaignPlan(estate, playbook.playbook, stage, date_of(row, "start_date"), target), row

    def _known(self, row: Row, column: str, value: str, things: Mapping[str, object], file: str) -> str:
        if value and value not in things:
            raise unknown(row, column, value, file)
        return value


def _circle(estate_id: str, parents: Mapping[str, str]) -> str:
    """The estate itself, where one comes back to it from parent to parent; else nothing."""
    seen, at = set[str](), parents.get(estate_id, "")
    while at and at not in seen:
        if at == estate_id:
            return at
        seen.add(at)
        at = parents.get(at, "")
    return ""


def row_id(thing: object, column: str) -> str:
    """The id of a row's thing: the field is named as the column."""
    return str(getattr(thing, column))


def _once(rows: Iterator[tuple[Row, T]], column: str) -> Iterator[T]:
    """The rows' things; the second of one id is refused."""
    lines: dict[str, int] = {}
    for row, thing in rows:
        id = row_id(thing, column)
        first = lines.setdefault(id, row.line)
        if first != row.line:
            raise row.bad(f"{column} {id} stands twice, first in line {first}", "give each its own id")
        yield thing


def _dealers(path: Path) -> Iterator[tuple[Row, Dealer]]:
    for row in read_rows(path, ("dealer_id", "name")):
        yield row, Dealer(row.needed("dealer_id"), _signed(row), row.text("city"))


def estate_rows(
    path: Path, default_crs: Crs | None = None, outlines: Mapping[str, Outline] = MappingProxyType({})
) -> Iterator[tuple[Row, Estate]]:
    """The rows of a file of estates and what each says, in the file's order.

    Raises:
        BadReference: as `read_reference`; that an id stands twice is not looked at.
    """
    for row in read_rows(path, ("estate_id", "name")):
        estate_id, (lng, lat, crs) = row.needed("estate_id"), point_of(row, default_crs)
        # A city has thousands of estates: its name is kept once.
        city, district = intern(row.text("city")), intern(row.text("district"))
        yield row, Estate(
            estate_id, row.needed("name"), row.text("address"), lng, lat, crs, households_of(row),
            city, district, year_of(row), list_of(row.text("aliases")), outlines.get(estate_id, ()),
            row.text("parent"), list_of(row.text("sources")),
        )


def _playbook(row: Row, playbooks: Mapping[str, Playbook]) -> Playbook:
    name, known = row.needed("playbook"), startable(playbooks.values())
    if name in known:
        return known[name]
    if name in playbooks and (made := playbooks[name].derived) is not None:
        raise row.bad(f"the playbook {name} is the variant of dealer {made.dealer_id}", f"write its base: {made.base}")
    have = ", ".join(sorted(known)) or "none"
    raise row.bad(f"unknown playbook {name}", f"put it into {PLAYBOOKS}/, or use one of: {have}")


# --- people ---------------------------------------------------------------------------------------


def _honest(row: Row, persona: Persona) -> None:
    if not may_speak_as(persona.role, persona.cls):
        raise row.bad(
            f"role {persona.role} is held by staff, class says {persona.cls}", "write class staff, or role shill"
        )
    if persona.cls is not PersonaClass.BUYER and (claims(persona.name) or _NEIGHBOUR.search(persona.name)):
        what = f"name {persona.name} lets {persona.cls} pass for an owner or a buyer"
        raise row.bad(what, "write the person's own name")


def _signed(row: Row) -> str:
    """The name of a shop: it stands in the line by which its people say who they are, and may not belie it.

    Raises:
        BadReference: for one by which they would pass for owners or buyers, or that tells of demand.
    """
    name = row.needed("name")
    if (fault := signature_fault(name)) is not None:
        raise row.bad(f"name {name}: {fault}", "write the shop's registered name")
    return name


def _one_account(row: Row, persona: Persona, group: str, accounts: dict[tuple[str, str], int]) -> None:
    first = accounts.setdefault((persona.member_id, group), row.line)
    if first != row.line:
        what = f"member_id {persona.member_id} is a persona of group {group} already, in line {first}"
        raise row.bad(what, "one account is one persona in a group")


def _one_person(row: Row, persona: Persona, people: dict[str, tuple[Persona, int]]) -> None:
    """Behind one account stands one real person: of one class and one name everywhere."""
    first, line = people.setdefault(persona.member_id, (persona, row.line))
    if first.cls is not persona.cls:
        what = f"member_id {persona.member_id} is {persona.cls} here and {first.cls} in line {line}"
        raise row.bad(what, "a person is of one class")
    if first.name != persona.name:
        what = f"member_id {persona.member_id} is {persona.name} here and {first.name} in line {line}"
        raise row.bad(what, "a person has one name everywhere")


def _ways(row: Row) -> tuple[str, ...]:
    """The ways into a group (`invitation;request`), none where the playbook's hold.

    Raises:
        BadReference: for an unknown way.
    """
    ways = list_of(row.text("admission"))
    for way in ways:
        if way not in tuple(Way):
            raise row.bad(f"unknown admission {way}", "known are " + ", ".join(Way))
    return ways
