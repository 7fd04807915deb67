from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from schemas.errors import BadPlaybook
from schemas.playbook import Playbook
from streams.playbook_files import builtin_playbooks, builtin_texts, examine, load_playbook, load_texts, written
from streams.playbook_shelf import shelve
from tests import builders

LADDER = [{"rung": "onlooker", "by": ["reacted"]}, {"rung": "participant", "by": ["spoke"]}]


def text_of(**fields: Any) -> str:
    data = builders.playbook_data(**{"ladder": LADDER, **fields})
    text = json.dumps(data, ensure_ascii=False)
    plain = yaml.safe_dump(json.loads(text), allow_unicode=True, sort_keys=False, width=1000)
    # As a person would write it: YAML 1.1 reads `on` as yes, 19:30 as a number and '1' as text.
    return re.sub(r"'(on|\d\d:\d\d|\d)'", r"\1", plain)


def line_of(text: str, part: str, nth: int = 1) -> int:
    """The line on which `part` stands for the nth time."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    return lines[nth - 1]


def refused(text: str, offers: tuple[str, ...] = ()) -> BadPlaybook:
    with pytest.raises(BadPlaybook) as caught:
        load_playbook(text, "small.yaml", offers)
    assert caught.value.file == "small.yaml"
    return caught.value


def test_a_playbook_is_read():
    playbook = load_playbook(text_of(), "small.yaml")
    assert playbook == builders.playbook(ladder=LADDER)


def test_a_playbook_may_begin_with_a_bom():
    assert load_playbook("\ufeff" + text_of(), "small.yaml").playbook == "small-test"


def test_on_is_a_word_and_not_a_yes():
    assert load_playbook(text_of(), "small.yaml").reactions[0].on == "joined"


def test_a_missing_phase_is_told_at_the_line_of_the_phases():
    data = builders.playbook_data()
    del data["stages"][0]["phases"][2]
    text = text_of(stages=data["stages"])
    error = refused(text)
    assert error.line == line_of(text, "phases:")
    assert str(error) == (
        f"small.yaml:{error.line}: stage 1 misses the phase value; "
        "a stage has warm_up, trust, value, sign_up and closing"
    )


@pytest.mark.parametrize(
    ("before", "after", "part", "what"),
    [
        ("version: 1\ntitle", "title", "playbook: ", "misses version"),
        ("title: 测试打法", "titel: 测试打法", "playbook: ", "misses title"),
        ("category: 全屋定制", "category: 全屋定制\ncolour: red", "colour", "unknown field colour"),
        ("noon: 11:30-13:00", "noon: 11h-13h", "noon: 11h", "a span of a day is written in quotes"),
        ("at: 07:30", "at: 730", "at: 730", "a time of day is written in quotes"),
        ("role: shill", "role: shil!", "role: shil!", "input should be"),
        ("longest: 4", "longest: 2", "longest: 2", "longest (2) is shorter than days (3)"),
        ("id: trust-1-morning", "id: warm-up-1-morning", "id: warm-up-1-morning@2", "is used twice"),
        ("at: 07:30", "at: 06:30", "at: 06:30", "warm-up-1-morning at 06:30 lies in the curfew"),
        ("at: 07:30", "at: 15:30", "at: 15:30", "lies in no window of the day"),
        ("rung: onlooker", "rung: spreader", "ladder:", "the ladder's rungs stand from the lowest"),
        ("testimonial: 全屋定制", "attachments: []", "speaks_as: buyer", "testimonial is missing"),
        ("zone: Asia/Shanghai", "zone: Asia/Shangai", "zone: ", "there is no time zone Asia/Shangai"),
        ("posts_per_day: 4", "posts_per_day: 99", "posts_per_day", "less than or equal to 20"),
        ("days: 3", "days: 4", "plan:", "day 4 of warm_up has no duties"),
        ("days: 3", "days: 2", " 3:", "day 3 is not among the 2 days of warm_up"),
        ("rung: onlooker", "rung: boss", "rung: boss", "input should be"),
        ("curfew: 23:00-07:00", "curfew: 23:00-05:00", "curfew:", "the curfew is shorter"),
        ("on: joined", "on: jumped", "on: jumped", "no signal"),
        ("{{ member.name }}来到", "{{ member.nmae }}来到", "nmae", "member.nmae is not a name"),
        ("早，{{ estate.name }}的第1", "早，{{ estate.name }的第1", "estate.name }的第1", "cannot be read"),
    ],
)
def test_whatever_is_wrong_is_told_with_its_line(before, after, part, what):
    text = text_of(zone="Asia/Shanghai")
    assert before in text
    text = text.replace(before, after, 1)
    error = refused(text)
    assert what in error.what
    where, _, nth = part.partition("@")
    assert error.line == line_of(text, where, int(nth or 1)), str(error)


def test_the_line_within_a_block_of_text_is_told():
    text = text_of().replace("text: 早，{{ estate.name }}的第1个早晨", "text: |\n  早\n  {{ estate.nmae }}".replace(
        "\n", "\n" + " " * 14
    ), 1)
    assert refused(text).line == line_of(text, "nmae")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("a: b: c", 1, "not YAML"),
        ("a:\n\t- b", 2, "not YAML"),
        ("a: 1\nb: 'x", 2, "not YAML"),
        ("a: 1\n\nb: \x07", 3, r"U\+0007"),
        ("a: 1\nb: *x", 2, "undefined alias"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tag"),
        ("a: 1\nb: !secret x", 2, "tag"),
        ("a: 1\nb: 2\na: 3", 3, "a stands here twice"),
        ("a: 1\n---\nb: 1", 2, "not YAML"),
        ("x: &x {a: 1}\ny:\n  <<: *x", 3, "merge keys"),
        ("a: 1\n? [1, 2]\n: 3", 2, "a key must be plain text"),
        ("a: &a [*a]", 1, "without end"),
        ("- a\n- b", 1, "dictionary"),
        ("a: 1\nb: " + "[" * 50_000, 2, "nested more than|nesting depth"),
        ("a: 1\nb: " + "{a: " * 50_000, 2, "nested more than|nesting depth"),
        ("a: 1\nb: " + "- " * 50_000, 2, "not YAML|nested more than"),
    ],
)
def test_a_file_that_is_no_playbook_is_refused_in_one_line(text, line, what):
    with pytest.raises(BadPlaybook, match=what) as caught:
        load_playbook(text, "x.yaml")
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_aliases_that_double_what_doubles_are_refused():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    assert "without end" in refused(bomb).what


def test_a_plain_alias_is_written_out():
    text = text_of().replace("- reacted", "- &said reacted").replace("- spoke", "- *said")
    assert [step.by for step in load_playbook(text, "x.yaml").ladder] == [("reacted",), ("reacted",)]


def test_times_need_no_quotes():
    duty = load_playbook(text_of(), "x.yaml").duties()[1]
    assert duty.at.isoformat() == "19:30:00"


def test_all_that_is_wrong_is_told_at_once_to_whoever_asks():
    text = text_of().replace("on: joined", "on: jumped").replace("{{ estate.name }}", "{{ estate.nmae }}")
    playbook, complaints = examine(text, "small.yaml")
    assert playbook is not None
    severities = [complaint.severity for complaint in complaints]
    assert severities.count("error") > 5
    assert severities == sorted(severities)


def test_a_dealers_offer_may_be_spoken_of():
    text = text_of().replace("早，{{ estate.name }}", "早，{{ offer.flash_sale.name }}", 1)
    assert "no offer flash_sale" in refused(text).what
    assert load_playbook(text, "small.yaml", ("flash_sale",)).playbook == "small-test"


def test_staff_who_speak_as_an_owner_are_refused_with_file_and_line():
    text = text_of().replace("text: 早，", "text: 我家也装了，", 1)
    error = refused(text)
    assert error.line == line_of(text, "我家也装了")
    assert "staff speaks as a buyer" in error.what


def test_every_playbook_that_ships_is_right():
    playbooks = builtin_playbooks()
    assert "new-estate-own-group" in playbooks
    assert len(playbooks) == len(builtin_texts())


BASE = builtin_playbooks()["new-estate-own-group"].edition
PATCH = f"""
patch: new-estate-own-group.tiles
version: 2
base: new-estate-own-group
base_version: {BASE}
by: category
category: tiles
replace:
  w1-morning-hello:
    text: 早上好，各位邻居。我是{{{{ store.name }}}}做瓷砖的，不是业主。
    at: "07:45"
drop: [w1-noon-photos]
limits: {{posts_per_day: 4}}
"""


def test_a_patch_is_a_whole_playbook():
    playbook = load_playbook(PATCH, "tiles.yaml")
    assert (playbook.playbook, playbook.category) == ("new-estate-own-group.tiles", "tiles")
    assert playbook.edition == f"{BASE}.2"
    assert "w1-noon-photos" not in [duty.id for duty in playbook.duties()]


@pytest.mark.parametrize(
    ("before", "after", "part", "what"),
    [
        ("w1-morning-hello", "w1-morning-helo", "w1-morning-helo", "nothing with the id w1-morning-helo"),
        ("[w1-noon-photos]", "[w1-noon]", "w1-noon]", "nothing with the id w1-noon"),
        ("做瓷砖的", "我家也装了", "我家也装了", "staff speaks as a buyer"),
        ("store.name", "store.nmae", "store.nmae", "store.nmae is not a name"),
        ('"07:45"', '"03:45"', '"03:45"', "w1-morning-hello at 03:45 lies in the curfew"),
        ("at:", "when:", "when:", "has an unknown field when"),
        ("posts_per_day: 4", "posts_per_day: 9", "posts_per_day", "posts_per_day is 9, more than the base's 4"),
        (f"base_version: {BASE}", "base_version: 99", "base_version", "there is no version 99 of new-estate-own-group"),
        (f"base_version: {BASE}", "base_version: 1.2", "base_version", 'as "1.2" in quotes'),
        ("base: new-estate-own-group", "base: new-estate-own-grp", "base: ", "no playbook new-estate-own-grp to patch"),
        ("by: category", "by: dealer", "patch: ", "by: dealer goes with the dealer's dealer_id"),
        ("version: 2", "versoin: 2", "versoin", "unknown field versoin"),
    ],
)
def test_what_is_wrong_with_a_patch_is_told_at_its_own_line(before, after, part, what):
    text = PATCH.replace(before, after, 1)
    _, complaints = examine(text, "tiles.yaml")
    found = [c for c in complaints if c.severity == "error" and what in str(c.error())]
    assert [c.line for c in found] == [line_of(text, part)], complaints


def test_patches_are_read_after_what_they_are_put_upon_whatever_the_order_of_the_files():
    own = text_of()
    first = PATCH.replace("new-estate-own-group\n", "small-test\n").replace("new-estate-own-group.", "small-test.")
    first = first.replace(f"base_version: {BASE}", "base_version: 1")
    first = re.sub(r"replace:.*drop: \[w1-noon-photos\]\n", "", first, flags=re.DOTALL)
    second = first.replace("small-test.tiles", "small-test.tiles.spring")
    second = second.replace("base: small-test\n", "base: small-test.tiles\n")
    second = second.replace("base_version: 1", 'base_version: "1.2"')
    loaded = load_texts([("a.yaml", second), ("b.yaml", first), ("c.yaml", own)])
    assert [(file, playbook.edition) for file, playbook in loaded] == [
        ("c.yaml", "1"), ("b.yaml", "1.2"), ("a.yaml", "1.2.2")]
    with pytest.raises(BadPlaybook, match=r"a.yaml:4: there is no playbook small-test.tiles to patch"):
        load_texts([("a.yaml", second), ("c.yaml", own)])


def test_of_several_versions_the_newest_has_the_bare_name_and_a_later_layer_stands_over_an_earlier_one():
    one, two = load_playbook(text_of(), "1.yaml"), load_playbook(text_of(version=2), "2.yaml")
    assert {name: p.version for name, p in shelve([two, one]).items()} == {"small-test@1": 1, "small-test": 2}
    assert {name: p.version for name, p in shelve([two], [one]).items()} == {"small-test@2": 2, "small-test": 1}


def test_a_patch_of_an_older_version_than_there_is_is_told():
    one, two = (load_playbook(text_of(version=version), "small.yaml") for version in (1, 2))
    patch = "patch: small-test.d1\nversion: 1\nbase: small-test\nbase_version: 1\nby: dealer\ndealer_id: d1\n"
    _, complaints = examine(patch, "d1.yaml", bases=[one, two])
    assert [(c.line, c.severity, c.what) for c in complaints if "put upon" in c.what] == [
        (4, "warning", "it is put upon version 1 of small-test, and there is 2")]
    assert not any("put upon" in c.what for c in examine(patch, "d1.yaml", bases=[one])[1])


@pytest.mark.parametrize("name", sorted(builtin_playbooks()))
def test_what_is_written_is_read_back_as_the_same(name):
    playbook = builtin_playbooks()[name]
    assert Playbook.model_validate_json(written(playbook)) == playbook
