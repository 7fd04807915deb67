"""`loupan import` of tables of orders: mappings, what is wrong, trials, and an import that is killed half-way."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import openpyxl
import pytest

from maps.datum import from_wgs84
from schemas.errors import BadFile, Fenced
from schemas.events import decode
from schemas.reference import Estate, Reference
from streams.database import open_database
from streams.importing import cells
from streams.importing.bringing import bring_in, check, position_of
from streams.importing.items import Fault, Passed, Unit, Wrong
from streams.importing.mapping import read_mapping
from streams.importing.orders import Orders
from streams.importing.suggesting import suggest
from streams.inbox import Door
from streams.reference_store import save_reference
from tests import commands

#: As Excel has a day.
DAY = datetime(2026, 3, 1)  # noqa: DTZ001  # Excel knows no zones
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = ("订单号", "下单时间", "金额", "状态", "品类", "收货地址", "手机号")
MAPPING = """\
source: erp
money: yuan
columns:
  order_id: 订单号
  placed_at: 下单时间
  amount: 金额
  status: 状态
  category: 品类
  address: 收货地址
statuses:
  待付款: placed
  已付款: [paid]
  已完成: [paid, delivered]
  已取消: cancelled
  已退款: [paid, refunded]
lines:
  default: regular
  by_category: {体验装: traffic}
"""


def row(number: str = "A1", at: Any = "2026-03-01 12:30", amount: Any = "1999.90", status: str = "已付款",
        category: str = "衣柜", address: str = "北京市朝阳区绿地城3栋", phone: str = "13812345678") -> tuple[Any, ...]:
    return number, at, amount, status, category, address, phone


def table(folder: Path, *rows: Sequence[Any], name: str = "orders.csv", encoding: str = "utf-8",
          separator: str = ",") -> Path:
    text = StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    (folder / name).write_bytes(text.getvalue().encode(encoding))
    return folder / name


def workbook(folder: Path, *rows: Sequence[Any], merged: Sequence[str] = (), name: str = "orders.xlsx") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells_ in rows:
        sheet.append(list(cells_))
    for one in merged:
        sheet.merge_cells(one)
    book.save(folder / name)
    return folder / name


def mapped(folder: Path, text: str = MAPPING) -> Any:
    (folder / "mapping.yaml").write_text(text, "utf-8")
    return read_mapping(folder / "mapping.yaml")


def orders(path: Path, text: str = MAPPING) -> list[Any]:
    return list(Orders(path, mapped(path.parent, text)).read())


def events(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(raw) for item in items if isinstance(item, Unit) for raw in item.raws]


def faults(items: Sequence[Any]) -> list[Fault]:
    return [fault for item in items if isinstance(item, Wrong) for fault in item.faults]


# --- rows as events -------------------------------------------------------------------------------


def test_a_row_becomes_its_placement_and_what_its_status_says(tmp_path):
    items = orders(table(tmp_path, HEADER, row(status="已完成"), row("A2", category="体验装", status="待付款")))
    made = events(items)
    assert [(one["type"], one["id"]) for one in made] == [
        ("loupan.order.placed.v1", "A1/placed"), ("loupan.order.paid.v1", "A1/paid"),
        ("loupan.order.delivered.v1", "A1/delivered"), ("loupan.order.placed.v1", "A2/placed")]
    assert made[0] | {"data": 0} == {
        "specversion": "1.0", "id": "A1/placed", "source": "erp", "type": "loupan.order.placed.v1", "subject": "A1",
        "time": "2026-03-01T12:30:00+08:00", "datacontenttype": "application/json", "data": 0}
    assert made[0]["data"] == {
        "order_id": "A1", "amount_fen": 199_990, "delivery": {"address": "北京市朝阳区绿地城3栋"},
        "items": [{
            "sku": "衣柜", "category": "衣柜", "line": "regular", "quantity": 1, "unit_price_fen": 199_990}]}
    assert made[3]["data"]["items"][0]["line"] == "traffic"
    assert [decode(msgspec.json.encode(one)).type for one in made] == [one["type"] for one in made]


def test_a_changed_status_gives_the_new_event_and_no_other_is_new(tmp_path):
    before = events(orders(table(tmp_path, HEADER, row(status="已付款"))))
    after = events(orders(table(tmp_path, HEADER, row(status="已退款"))))
    assert {one["id"] for one in after} - {one["id"] for one in before} == {"A1/refunded"}


def test_times_sums_and_notes_of_each_deed_have_columns_of_their_own(tmp_path):
    header = (*HEADER, "付款时间", "定金", "退款金额", "更新时间", "原因")
    text = MAPPING.replace(
        "  address: 收货地址", "  address: 收货地址\n  paid_at: 付款时间\n  deposit: 定金\n  refund: 退款金额\n"
        "  changed_at: 更新时间\n  note: 原因").replace("[paid, refunded]", "[deposit-paid, paid, refunded]")
    line = (*row(status="已退款"), "2026-03-02", "500", "", "2026-03-09 10:00", "打 138 1234 5678 说不要了")
    made = events(orders(table(tmp_path, header, line), text))
    assert [(one["id"].split("/")[1], one["time"][5:16], one["data"].get("amount_fen"), one["data"].get("note"))
            for one in made[1:]] == [
        ("deposit-paid", "03-09T10:00", 50_000, None), ("paid", "03-02T00:00", None, None),
        ("refunded", "03-09T10:00", None, "打 说不要了")]


def test_a_phone_number_is_nowhere_in_what_is_made_or_put_aside(tmp_path):
    line = row(address="绿地城 13812345678 王先生 +86 139-1234-5678", amount="x")
    path = table(tmp_path, HEADER, row(address="绿地城 13812345678 王先生 0451-87654321"), line)
    items = orders(path)
    assert "12345678" not in str(events(items))
    assert events(items)[0]["data"]["delivery"]["address"] == "绿地城 王先生"
    [wrong] = [item for item in items if isinstance(item, Wrong)]
    assert "5678" not in str(wrong.rows())


def test_a_phone_number_is_no_id(tmp_path):
    text = MAPPING.replace("  address:", "  member_id: 手机号\n  address:")
    [(_, column, what)] = faults(orders(table(tmp_path, HEADER, row()), text))
    assert (column, what.split(":")[0]) == ("手机号", "a phone number is never kept")


def test_rows_of_one_number_are_one_order_where_each_is_an_item(tmp_path):
    header = ("订单号", "下单时间", "金额", "品类", "单价", "数量")
    text = MAPPING.split("statuses:", maxsplit=1)[0].replace("  status: 状态\n", "").replace(
        "  address: 收货地址\n", "  unit_price: 单价\n  quantity: 数量\n")
    path = workbook(
        tmp_path, header, ("A1", DAY, 300, "衣柜", 100, 2), (None, None, None, "木门", 100, 1),
        ("A2", DAY, 50, "木门", 50, 1), merged=["A2:A3", "C2:C3"])
    items = orders(path, text + "rows: item\n")
    assert [(len(one["data"]["items"]), one["data"]["amount_fen"]) for one in events(items)] == [(2, 30_000), (1, 5000)]
    assert faults(orders(path, text + "rows: order\n"))[0][:2] == (3, "订单号")
    by_line = orders(path, text + "rows: item\namount_is: line\n")
    assert faults(by_line) == [(3, "金额", "is empty")]


def test_a_number_that_stands_twice_is_wrong_and_so_is_a_row_that_is_cut_off(tmp_path):
    items = orders(table(tmp_path, HEADER, row(), row(), row("A2")[:-1], (*row("A3"), "x")))
    assert [(place, what.split(":")[0]) for place, _, what in faults(items)] == [
        (3, "order A1 stands in row 2 already"), (4, "has 6 cells, the header 7"), (5, "has 8 cells, the header 7")]


def test_every_fault_of_a_row_is_said_with_its_column(tmp_path):
    items = orders(table(tmp_path, HEADER, row("", "03/01/2026", "-5", "寄存", "")))
    assert [(place, column) for place, column, _ in faults(items)] == [
        (2, "订单号"), (2, "下单时间"), (2, "金额"), (2, "品类"), (2, "状态")]
    assert "it knows 待付款, 已付款" in faults(items)[-1][2]


# --- files as programs write them -----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_every_usual_encoding_and_separator_is_read(tmp_path, encoding, separator):
    path = table(tmp_path, HEADER, *(row(f"A{n}") for n in range(50)), encoding=encoding, separator=separator)
    assert len(events(orders(path))) == 100


def test_a_file_in_gb18030_is_told_though_its_chinese_comes_late(tmp_path):
    plain = [row(f"A{n}", category="x", address="y" * 1900, status="ok") for n in range(600)]
    header = ("id", "at", "fen", "st", "cat", "addr", "tel")
    text = "source: erp\nmoney: yuan\ncolumns: {order_id: id, placed_at: at, amount: fen, category: cat}\n"
    path = table(tmp_path, header, *plain, row("Z", address="北京市朝阳区绿地城小区三号楼"), encoding="gb18030")
    items = orders(path, text)
    assert (len(items), faults(items)) == (601, [])


def test_titles_above_two_rows_of_merged_names_and_sums_below_are_found(tmp_path):
    path = workbook(
        tmp_path, ("三月订单",), ("订单号*", "下单时间", "金额", "状态", "品类", "客户", None),
        (None, None, None, None, None, "姓名", "收货地址"), (*row("A1", DAY, 19.9)[:5], "王", "绿地城"),
        ("订单号*", "下单时间", "金额", "状态", "品类", "姓名", "收货地址"), ("合计", None, 19.9),
        merged=["A1:G1", "F2:G2", *(f"{c}2:{c}3" for c in "ABCDE")])
    for text in (MAPPING, MAPPING.replace("收货地址", "客户/收货地址"), MAPPING + "header: [2, 3]\n"):
        items = orders(path, text)
        assert events(items)[0]["data"]["delivery"] == {"address": "绿地城"}
        assert [item.why for item in items if isinstance(item, Passed)] == [
            "the names of the columns again", "a row of sums"]
        assert faults(items) == []


def test_a_size_that_a_program_wrote_wrong_cuts_no_rows_off(tmp_path):
    import zipfile

    path = workbook(tmp_path, HEADER, *(row(f"A{n}") for n in range(20)))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:G21"' in parts[sheet]
    parts[sheet] = parts[sheet].replace(b'ref="A1:G21"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    assert len(orders(path)) == 20


def test_what_is_no_workbook_is_one_line_with_the_remedy(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 an old or a locked one")
    with pytest.raises(BadFile, match=r"is no Excel workbook.*without a password"):
        orders(tmp_path / "a.xlsx")
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(BadFile, match=r"\.xls is not read; save it as \.xlsx"):
        orders(tmp_path / "a.xls")
    path = workbook(tmp_path, HEADER)
    with pytest.raises(BadFile, match="there is no sheet 订单; its sheets are Sheet"):
        orders(path, MAPPING + "sheet: 订单\n")


@pytest.mark.parametrize(("cell", "unit", "found"), [
    ("1,299.00", "yuan", 129_900), ("￥1299", "yuan", 129_900), ("１２元", "yuan", 1200), (0.1 + 0.2, "yuan", 30),
    (1999.9, "yuan", 199_990), (12, "fen", 12), ("", "yuan", None), (None, "fen", None), ("0", "yuan", 0),
])
def test_a_sum_is_read_to_the_fen(cell, unit, found):
    assert cells.fen(cell, unit) == found


@pytest.mark.parametrize("cell", ["1.234", "abc", "-1", "1.2万", "#N/A", True, "nan", "1e99", "inf"])
def test_what_is_no_sum_is_refused(cell):
    with pytest.raises(cells.BadCell):
        cells.fen(cell, "yuan")


@pytest.mark.parametrize("cell", [
    "2026-03-02 08:05:00", "2026/3/2 8:05", "2026年3月2日 8时5分", "2026.3.2 08:05", "20260302080500",
    46083.336805555555, DAY + timedelta(days=1, hours=8, minutes=5), "2026-03-02T08:05:00+08:00",
    "2026-03-02T00:05:00Z", "2026-03-02 08:05:00.000",
])
def test_a_time_is_read_however_it_is_written(cell):
    at = cells.moment(cell, SHANGHAI)
    assert at is not None
    assert at == datetime(2026, 3, 2, 8, 5, tzinfo=SHANGHAI)


def test_a_time_that_may_be_two_wants_a_format():
    with pytest.raises(cells.BadCell, match="date_format"):
        cells.moment("03/02/2026", SHANGHAI)
    assert cells.moment("03/02/2026", SHANGHAI, ["%m/%d/%Y"]) == datetime(2026, 3, 2, tzinfo=SHANGHAI)


@pytest.mark.parametrize("cell", [2.0260301000123e17, "2.0260301E+17", 20260301000123456])
def test_a_number_that_excel_has_cut_is_no_id(cell):
    with pytest.raises(cells.BadCell, match="digits"):
        cells.name(cell)
    assert cells.name(1001.0) == "1001"


# --- mappings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after", "said"), [
    ("money: yuan\n", "", "mapping.yaml:1: money is missing; say money: yuan, or money: fen"),
    ("money: yuan", "money: dollar", "mapping.yaml:2: money: input should be 'yuan' or 'fen'"),
    ("  amount: 金额\n", "", "mapping.yaml:1: columns lack amount: no order is without it"),
    ("  status:", "  state:", "mapping.yaml:7: columns.state: an order has no state; known are order_id"),
    ("[paid]", "[payed]", "mapping.yaml:12: statuses.已付款.0: input should be 'placed', 'deposit-paid'"),
    ("source: erp", "souce: erp", "mapping.yaml:1: source is missing"),
    ("lines:", "line:", "mapping.yaml:16: line is no key of a mapping; known are source"),
    ("source: erp", "source: erp\ndate_format: '%d'", "mapping.yaml:2: date_format: %d does not say year (%Y)"),
    ("source: erp", "source: erp\nzone: Mars", "mapping.yaml:2: zone: there is no time zone Mars"),
    ("金额", "总额", "mapping.yaml:6: columns.amount: there is no column 总额 in"),
])
def test_what_is_wrong_in_a_mapping_is_said_with_line_and_key(tmp_path, before, after, said):
    path = table(tmp_path, HEADER, row())
    with pytest.raises(BadFile) as caught:
        Orders(path, mapped(tmp_path, MAPPING.replace(before, after)))
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said), str(caught.value)


def test_a_column_that_stands_twice_is_named_by_its_heading(tmp_path):
    path = workbook(
        tmp_path, ("订单号", "下单时间", "金额", "状态", "品类", "买家", "收货人"),
        (None, None, None, None, None, "收货地址", "收货地址"), (*row()[:5], "别处", "绿地城"))
    with pytest.raises(BadFile, match=r"收货地址 stands 2 times.*with the heading above it"):
        orders(path)
    [made, _] = events(orders(path, MAPPING.replace("收货地址", "收货人/收货地址")))
    assert made["data"]["delivery"]["address"] == "绿地城"


def test_a_guess_reads_the_file_that_it_was_made_from(tmp_path):
    header = (
        "序号", "订单编号", "下单日期", "客户姓名", "联系电话", "省", "市", "详细地址", "商品类目", "商品名称", "数量",
        "实付金额(元)", "订单状态")
    line = (
        1, "B1", "2026-03-01", "王", "13812345678", "北京市", "朝阳区", "绿地城3栋", "衣柜", "步入式", 2, "99.00",
        "已完成")
    again = (2, "B2", *line[2:12], "退款中")
    path = table(tmp_path, ("三月订单", *[""] * 12), header, line, again, encoding="gb18030")
    guess = suggest(path)
    assert guess.whole
    assert "never read, and so never kept: 客户姓名, 联系电话" in guess.text
    made = events(orders(path, guess.text))
    assert [one["id"] for one in made] == ["B1/placed", "B1/paid", "B1/delivered", "B2/placed", "B2/paid"]
    assert made[0]["data"]["delivery"] == {"address": "北京市朝阳区绿地城3栋"}
    assert made[0]["data"]["items"] == [
        {"sku": "步入式", "category": "衣柜", "line": "regular", "quantity": 2, "unit_price_fen": 4950}]
    assert made[0]["data"]["amount_fen"] == 9900


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Path:
    open_database(tmp_path / "loupan.db").dispose()
    mapped(tmp_path)
    return tmp_path


def run(here: Path, *words: object, status: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = commands.run("import", *words, cwd=here)
    assert done.returncode == status, done.stderr.decode()
    return done


def inbox(here: Path) -> list[tuple[str, bytes]]:
    connection = sqlite3.connect(here / "loupan.db")
    try:
        return list(connection.execute('SELECT id, raw FROM inbox ORDER BY "offset"'))
    finally:
        connection.close()


def test_a_trial_says_what_would_be_done_and_changes_nothing(here):
    table(here, HEADER, row(), row("A2", status="已取消"))
    run(here, "orders.csv", "--mapping", "mapping.yaml")
    table(here, HEADER, row(status="已完成"), row("A2", status="已取消"), row("A3", amount="x"), row("A4"))
    before = (here / "loupan.db").read_bytes(), inbox(here), sorted(path.name for path in here.iterdir())
    done = run(here, "orders.csv", "--mapping", "mapping.yaml", "--dry-run", "--json", status=2)
    said = json.loads(done.stdout)
    assert (said["new"], said["duplicate"]) == (3, 4)
    assert said["events"]["loupan.order.placed.v1"] == 3
    assert said["wrong"] == [{"file": "orders.csv", "row": 4, "column": "金额", "what": "x is no sum of money"}]
    shown = run(here, "orders.csv", "--mapping", "mapping.yaml", "--dry-run", status=2)
    assert "order.delivered.v1" in shown.stdout.decode()
    assert shown.stderr.decode() == "orders.csv:4: 金额: x is no sum of money\n"
    assert (inbox(here), sorted(path.name for path in here.iterdir())) == before[1:]


@pytest.mark.parametrize("crs", ["gcj02", "wgs84"])
def test_points_that_cannot_be_in_their_datum_are_said_and_not_brought_in(here, crs):
    spots = [(116.30 + 0.004 * (i % 8), 39.90 + 0.004 * (i // 8)) for i in range(64)]
    estates = [Estate(f"e{i}", f"第{i}处", lng=lng, lat=lat, crs="wgs84") for i, (lng, lat) in enumerate(spots)]
    with open_database(here / "loupan.db").begin() as connection:
        save_reference(connection, Reference(estates={one.estate_id: one for one in estates}), {})
    points = [from_wgs84(lng + 0.0002, lat, "gcj02") for lng, lat in spots[::2]]
    at = ("经度", "纬度")
    table(here, (*HEADER, *at), *((*row(f"A{i}", address=""), *point) for i, point in enumerate(points)))
    mapping = MAPPING.replace("  address: 收货地址", f"  lng: 经度\n  lat: 纬度\nconstants:\n  crs: {crs}")
    (here / "mapping.yaml").write_text(mapping, "utf-8")
    status = 0 if crs == "gcj02" else 2
    trial = run(here, "orders.csv", "--mapping", "mapping.yaml", "--dry-run", "--json", status=status)
    assert len(json.loads(trial.stdout)["doubtful_points"]) == (crs == "wgs84")
    done = run(here, "orders.csv", "--mapping", "mapping.yaml", status=status)
    assert ("fit gcj02 much better" in done.stderr.decode()) == (crs == "wgs84")
    assert len(inbox(here)) == (64 if crs == "gcj02" else 0)


def test_a_trial_makes_no_database(tmp_path):
    mapped(tmp_path)
    table(tmp_path, HEADER, row())
    run(tmp_path, "orders.csv", "--mapping", "mapping.yaml", "--dry-run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mapping.yaml", "orders.csv"]


def test_one_wrong_row_and_nothing_is_brought_in_unless_it_is_to_be_skipped(here):
    table(here, HEADER, row(), row("A2", amount="x", address="=cmd"), row("A3"))
    done = run(here, "orders.csv", "--mapping", "mapping.yaml", status=2)
    assert done.stderr.decode().splitlines() == [
        "orders.csv:3: 金额: x is no sum of money",
        "nothing was brought in: 1 order wrong; correct them, or say --skip-wrong"]
    assert inbox(here) == []
    run(here, "orders.csv", "--mapping", "mapping.yaml", "--skip-wrong")
    assert [id for id, _ in inbox(here)] == ["A1/placed", "A1/paid", "A3/placed", "A3/paid"]
    aside = list(csv.DictReader((here / "orders.wrong.csv").read_text("utf-8-sig").splitlines()))
    assert aside == [{
        "loupan_row": "3", "loupan_column": "金额", "loupan_reason": "金额: x is no sum of money", "订单号": "A2",
        "下单时间": "2026-03-01 12:30", "金额": "x", "状态": "已付款", "品类": "衣柜", "收货地址": "'=cmd"}]
    # Corrected, it is brought in by the same mapping.
    corrected = (here / "orders.wrong.csv").read_text("utf-8-sig").replace(",x,", ",5,")
    (here / "orders.wrong.csv").write_text(corrected, "utf-8")
    run(here, "orders.wrong.csv", "--mapping", "mapping.yaml")
    assert [id for id, _ in inbox(here)][4:] == ["A2/placed", "A2/paid"]
    refused = run(here, "orders.csv", "--mapping", "mapping.yaml", "--skip-wrong", status=2)
    assert b"orders.wrong.csv: is there already" in refused.stderr


def test_brought_in_again_all_is_duplicate(here):
    table(here, HEADER, *(row(f"A{n}") for n in range(700)))
    first = json.loads(run(here, "orders.csv", "--mapping", "mapping.yaml", "--json").stdout)
    again = json.loads(run(here, "orders.csv", "--mapping", "mapping.yaml", "--json").stdout)
    assert (first["accepted"], first["duplicate"]) == (1400, 0)
    assert (again["accepted"], again["duplicate"]) == (0, 1400)


def test_an_order_of_tomorrow_is_a_wrong_row_and_no_dead_letter(here):
    tomorrow = (datetime.now(SHANGHAI) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    table(here, HEADER, row(at=tomorrow))
    done = run(here, "orders.csv", "--mapping", "mapping.yaml", status=2)
    assert b"orders.csv:2: its time" in done.stderr
    assert b"lies in the future" in done.stderr


@pytest.mark.parametrize(("words", "said"), [
    (("orders.csv",), "orders.csv: a table of orders wants a mapping; make one: loupan import orders.csv"),
    (("orders.csv", "--mapping", "no.yaml"), "no.yaml: there is no such mapping"),
    (("none.csv", "--mapping", "mapping.yaml"), "none.csv: there is no such file"),
    (("mapping.yaml",), "mapping.yaml: what is in it cannot be told by its name; say --format wechaty or events"),
    (("orders.csv", "mapping.yaml"), "mapping.yaml: is a second file"),
    ((".", "--mapping", "mapping.yaml"), "--mapping: is not for a folder of reference data"),
])
def test_wrong_words_are_one_line(here, words, said):
    table(here, HEADER, row())
    done = run(here, *words, status=2)
    assert done.stderr.decode().startswith(f"loupan: {said}")
    assert len(done.stderr.splitlines()) == 1


# --- half-way -------------------------------------------------------------------------------------


def test_an_import_that_is_killed_goes_on_where_it_was_and_takes_nothing_twice(here):
    """kill -9 in the middle of the real command; what it had committed is counted, then it is run again."""
    table(here, HEADER, *(row(f"A{n:05d}") for n in range(5_000)))
    words = ["import", "orders.csv", "--mapping", "mapping.yaml", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from streams.cli import main; main()", *words], cwd=here, stdout=subprocess.PIPE)
    with process, sqlite3.connect(here / "loupan.db") as looking:
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if looking.execute("SELECT 1 FROM positions WHERE consumer LIKE 'import/%' AND next > 1000").fetchone():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    looking.close()
    [(at,)] = sqlite3.connect(here / "loupan.db").execute("SELECT next FROM positions").fetchall()
    held = inbox(here)
    assert 1000 < at < 5_000
    assert len(held) == 2 * at
    again = json.loads(run(here, *words[1:]).stdout)
    assert (again["resumed_after"], again["accepted"], again["duplicate"]) == (at, 10_000 - len(held), 0)
    ids = [id for id, _ in inbox(here)]
    assert ids == [f"A{n:05d}/{deed}" for n in range(5_000) for deed in ("placed", "paid")]
    assert sqlite3.connect(here / "loupan.db").execute("SELECT count(*) FROM positions").fetchone() == (0,)


def test_two_that_bring_the_same_file_in_do_not_both_go_on(here):
    source = Orders(table(here, HEADER, *(row(f"A{n}") for n in range(1200))), mapped(here))
    engine = open_database(here / "loupan.db")
    door, taken = Door(), 0

    def take(raws, numbers, beside):
        nonlocal taken
        with engine.begin() as connection:
            answers = door.accept(connection, raws, "file", numbers)
            beside(connection)
            if not taken:
                # Meanwhile another process has done the same.
                connection.exec_driver_sql("UPDATE positions SET next = 1200")
        taken += 1
        return answers

    with pytest.raises(Fenced):
        bring_in(source, engine, take, None, 1200)
    assert taken == 1
    engine.dispose()


def test_another_mapping_is_another_import(here):
    path = table(here, HEADER, row())
    one, other = Orders(path, mapped(here)), Orders(path, mapped(here, MAPPING.replace("erp", "crm")))
    assert position_of(one) != position_of(other)
    assert position_of(one) == position_of(Orders(path, mapped(here)))
    assert len(position_of(one)) <= 64
    assert check(one, None).total == 2


def test_over_kafka_the_position_follows_what_kafka_has(here, kafka):
    """The command with `--log kafka`: every event is in its topic, by its order, and the position is done with."""
    from kafka import KafkaConsumer, TopicPartition
    from kafka.admin import KafkaAdminClient, NewTopic

    prefix = f"importing-{os.getpid()}-"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(f"{prefix}order-events", 1, 1)])
    table(here, HEADER, *(row(f"A{n}") for n in range(600)))
    done = run(
        here, "orders.csv", "--mapping", "mapping.yaml", "--log", "kafka", "--kafka", kafka.address, "--prefix", prefix)
    assert done.stdout.startswith(b"1200 accepted, 0 duplicate")
    consumer = KafkaConsumer(bootstrap_servers=kafka.address, consumer_timeout_ms=20_000)
    consumer.assign([place := TopicPartition(f"{prefix}order-events", 0)])
    consumer.seek_to_beginning(place)
    keys = [next(consumer).key.decode() for _ in range(1200)]
    assert keys == [f"A{n}" for n in range(600) for _ in range(2)]
    consumer.close()
    admin.delete_topics([place.topic])
    admin.close()
    with sqlite3.connect(here / "loupan.db") as looking:
        assert looking.execute("SELECT count(*) FROM positions WHERE consumer LIKE 'import/%'").fetchone() == (0,)
    looking.close()
