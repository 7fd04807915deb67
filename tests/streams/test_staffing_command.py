"""`loupan staffing`: the matrix as a table, as CSV, as JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from schemas.errors import BadFile
from streams.commands.staffing import COLUMNS, staffing_command
from tests.streams.test_reference_files import changed, folder

DAY = "2026-03-02"


def test_the_matrix_is_csv_with_the_dealers_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = changed("personas.csv", "\np1,", "\np0,周晴,main_persona,staff,u0,d1,\np1,")
    staffing_command(folder(tmp_path, **main), DAY, as_csv=True)
    told = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["群"], row["岗位"], row["人员"], row["任务数"]) for row in rows] == [
        ("绿地城业主群", "门店主理人", "林晚", "1")]
    assert "1 duties, 0 uncovered" in told.err


def test_what_is_uncovered_says_why_and_whom_to_ask_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = "persona_id,name,role,class,member_id,dealer_id,groups,hours"
    people = f"{columns}\np1,林晚,main_persona,staff,u1,d1,g1,10:00-18:00\np2,周晴,main_persona,staff,u2,d1,,\n"
    staffing_command(folder(tmp_path, personas_csv=people), DAY, as_csv=True)
    assert "没人接：不在上班时间；可请周晴进群" in capsys.readouterr().out
    staffing_command(tmp_path, DAY, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["duties"], told["uncovered"], told["lines"][0]["could_join"]) == (1, 1, "p2")


def test_a_day_without_a_campaign_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    staffing_command(folder(tmp_path), "2027-01-01")
    assert "plans no campaign for 2027-01-01" in capsys.readouterr().err


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="02/03/2026"):
        staffing_command(folder(tmp_path), "02/03/2026")
