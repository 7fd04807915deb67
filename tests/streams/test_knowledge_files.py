"""A dealer's own answers are read, checked like a playbook's, stored, and written again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from streams.demo.writing import write_reference
from streams.reference_files import read_folder, read_reference
from streams.reference_store import load_reference, save_reference
from streams.tables import metadata
from tests.streams.test_reference_files import folder, refused

ANSWERS = """\
- id: k-board
  about: price
  keys: [板材, 多少钱]
  text: 板材的价以店里公示为准
  dealer_id: d1
- id: k-measure
  about: service
  keys: [量尺]
  role: designer
  text: |-
    您说个时间，
    我去量
  attachments: [量尺单]
"""


@pytest.mark.parametrize("text", [ANSWERS, "entries:\n" + ANSWERS])
def test_answers_are_read_and_each_dealer_may_have_their_own(tmp_path: Path, text: str):
    answers = read_reference(folder(tmp_path, knowledge_yaml=text)).answers
    assert sorted(answers) == ["k-board@d1", "k-measure"]
    assert (answers["k-board@d1"].dealer_id, answers["k-board@d1"].keys) == ("d1", ("板材", "多少钱"))
    assert (answers["k-measure"].role, answers["k-measure"].attachments) == ("designer", ("量尺单",))


@pytest.mark.parametrize(("before", "after", "line", "what"), [
    ("about: price", "about: prices", 2, "about: input should be"),
    ("  keys: [板材, 多少钱]\n", "", 1, "misses keys"),
    ("keys: [量尺]", "keys: []", 8, "keys: tuple should have at least 1 item"),
    ("about: service", "abuot: service", 7, "unknown field abuot"),
    ("dealer_id: d1", "dealer_id: d9", 5, "dealer_id d9 is not in dealers.csv"),
    ("  dealer_id: d1\n- id: k-measure", "- id: k-board", 5, "the answer k-board stands twice"),
    ("以店里公示为准", "一平不贵", 4, "neither to the public notice"),
    ("我去量", "我家也是这么量的", 12, "speaks as an owner"),
    ("我去量", "{{ offer.nothing.name }}", 12, "there is no offer nothing"),
    ("我去量", "{{ member.phone }}", 12, "member.phone is not a name"),
    ("- id: k-board", "- id: K", 1, "id: string should match"),
    ("keys: [量尺]", "keys: [", 10, "not YAML"),
])
def test_a_wrong_answer_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, what: str):
    assert before in ANSWERS
    error = refused(folder(tmp_path, knowledge_yaml=ANSWERS.replace(before, after, 1)))
    assert error.file == "knowledge.yaml"
    assert what in error.what
    assert error.line == line


def test_what_is_stored_or_written_is_what_was_read(tmp_path: Path):
    found = read_folder(folder(tmp_path, knowledge_yaml=ANSWERS))
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        counts = save_reference(connection, found.reference, found.playbook_texts)
        assert counts["answer.new"] == 2
        assert load_reference(connection)[0] == found.reference
    engine.dispose()
    write_reference(found.reference, tmp_path / "again")
    (tmp_path / "again" / "campaigns.csv").unlink()
    assert read_reference(tmp_path / "again").answers == found.reference.answers
