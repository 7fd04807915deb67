"""A mapping guessed from the names of columns and the first rows: to be looked over, corrected and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import BadFile
from streams.importing.headers import Header, find_header, plain
from streams.importing.tables import Cell, Row, rows_of, sheets_of

#: So many rows are looked at.
ROWS: Final = 5000
#: More different words than that are no statuses or categories.
_FEW: Final = 40

#: What columns are usually called, the likeliest first. `=` before a word: the whole name, else a part of it.
_CALLED: Final[dict[str, str]] = {
    "order_id": (
        "=订单号 =订单编号 =单号 =销售单号 =合同号 =合同编号 订单号 订单编号 订单id =order_id =orderid orderno 单号"),
    "placed_at": (
        "=下单时间 =下单日期 =订单时间 =订单日期 =创建时间 =签单日期 =签约日期 下单 订单创建 =placed_at =created_at "
        "=日期"),
    "amount": (
        "=订单金额 =订单总额 =实付金额 =应付金额 =合同金额 =成交金额 =总金额 =总价 =金额 订单金额 实付 应付 合同额 "
        "=amount 金额"),
    "status": "=订单状态 =状态 =交易状态 订单状态 =status",
    "member_id": (
        "=会员号 =会员id =会员编号 =客户id =客户编号 =买家id =用户id openid external_userid unionid =member_id"),
    "group_id": "=群id =群编号 =群号 =微信群id =group_id",
    "dealer_id": "=经销商id =经销商编号 =经销商编码 =dealer_id",
    "address": "=收货地址 =送货地址 =安装地址 =详细地址 =客户地址 =地址 收货地址 地址 =address",
    "lng": "=经度 =lng =longitude", "lat": "=纬度 =lat =latitude",
    "sku": "=sku =商品编码 =产品编码 =货号 =物料编码 =商品编号 sku",
    "product": "=商品名称 =产品名称 =商品 =产品 =品名 =商品标题 商品名",
    "category": "=品类 =类目 =商品类目 =商品分类 =产品类别 =产品分类 =类别 =分类 品类 类目 =category",
    "line": "=产品线 =line", "quantity": "=数量 =件数 =购买数量 数量 =quantity",
    "unit_price": "=单价 =商品单价 =成交单价 单价 =unit_price",
    "referrer_id": "=推荐人id =推荐人编号 =介绍人编号 =介绍人id =referrer_id",
    "group_buy_id": "=团购编号 =团购id =拼团id =拼单号 =团号 =group_buy_id",
    "deposit": "=定金 =订金 =定金金额 =订金金额 =已付定金", "refund": "=退款金额 =退款 =已退金额",
    "deposit_at": "=定金时间 =订金时间 =定金日期 =付定金时间 定金支付时间",
    "paid_at": "=付款时间 =支付时间 =付清时间 =付款日期 =收款日期 付款时间 支付时间 =paid_at",
    "delivered_at": "=送达时间 =送货时间 =签收时间 =收货时间 =交付时间 =送货日期 =交付日期 =完成时间 签收时间",
    "installed_at": "=安装时间 =安装完成时间 =安装日期", "cancelled_at": "=取消时间 =关闭时间 =取消日期",
    "refunded_at": "=退款时间 =退款日期 =退货时间", "changed_at": "=更新时间 =修改时间 =最后更新时间 =变更时间",
    "note": "=备注 =取消原因 =退款原因 =买家备注 =note",
}
#: Of people, what no order needs: never read.
_PERSONAL: Final = re.compile(
    "手机|电话|联系方式|微信号|姓名|收货人$|联系人|身份证|phone|mobile|邮箱|email", re.IGNORECASE)
_REGIONS: Final = (("省", "省份"), ("市", "城市"), ("区", "区县", "区/县", "县区"))

#: What statuses usually mean; the first that is found in the word.
_MEANT: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("退款中|申请退|售后中|待退", ("paid",)), ("退款|退货|已退|refund", ("refunded",)),
    ("取消|关闭|作废|cancel|closed", ("cancelled",)),
    ("已安装|安装完|验收|installed", ("paid", "delivered", "installed")),
    ("待付|未付|待支付|未支付|待确认|已下单|新建|unpaid|pending", ("placed",)),
    ("定金|订金|deposit", ("deposit-paid",)),
    ("完成|成功|签收|送达|已收货|交付|待安装|delivered|completed?|finished", ("paid", "delivered")),
    ("已付|支付|付清|全款|待发货|已发货|生产|备货|排产|paid|shipped", ("paid",)),
)


class Guess(NamedTuple):
    """A guessed mapping, as the text of its file, and whether everything that is needed was found."""

    text: str
    whole: bool


def suggest(path: Path) -> Guess:
    """Guess the mapping of a table of orders.

    Raises:
        BadFile: when the file cannot be read, or has no row that looks like names of columns.
    """
    header, rows = find_header(rows_of(path), lambda header: len(_fields(header)))
    fields = _fields(header)
    if len(fields) < 2:
        names = ", ".join(name for name in header.names if name) or "none"
        what = f"no columns of orders are recognised; its names are {names[:400]}"
        raise BadFile(str(path), header.row, what, "write the mapping by hand: docs/importing.md")
    return _written(path, header, fields, list(islice(rows, ROWS)))


def _fields(header: Header) -> dict[str, list[int]]:
    """Which column is likely what: each column once, whole names before parts."""
    names = [plain(name) for name in header.names]
    found: dict[str, list[int]] = {}
    taken: set[int] = {place for place, name in enumerate(names) if not name or _PERSONAL.search(name)}
    for whole in (True, False):
        for field, words in _CALLED.items():
            if field not in found and (place := _likeliest(names, taken, words.split(), whole=whole)) is not None:
                found[field] = [place]
                taken.add(place)
    if "address" in found:
        regions = [names.index(name) for group in _REGIONS for name in group if name in names]
        found["address"] = [*[place for place in regions if place not in taken], *found["address"]]
    return found


def _likeliest(names: Sequence[str], taken: set[int], words: Sequence[str], *, whole: bool) -> int | None:
    for word in words:
        if word.startswith("=") is not whole:
            continue
        called = word.removeprefix("=")
        for place, name in enumerate(names):
            if place not in taken and (re.sub(r"[(（].*?[)）]", "", name) == called if whole else called in name):
                return place
    return None


def _written(path: Path, header: Header, fields: dict[str, list[int]], rows: list[Row]) -> Guess:
    def shown(place: int) -> str:
        name = header.names[place]
        return _yaml(name if len(header.at(name)) == 1 else _both(header, place))

    needed = ("order_id", "placed_at", "amount")
    lacking = [name for name in needed if name not in fields]
    by_item = _repeated(rows, fields)
    lines = [
        f"# A guess at {path.name}: look it over. What each key means: docs/importing.md",
        "# The system of the orders. With the order's number it names each event: once used, leave it as it is.",
        "source: orders",
    ]
    if len(sheets := sheets_of(path)) > 1:
        lines.append(f"# The first sheet is read; it has {', '.join(sheets)}")
        lines.append(f"sheet: {_yaml(sheets[0])}")
    money = "fen" if "amount" in fields and re.search(r"分\W*$", header.names[fields["amount"][0]]) else "yuan"
    lines.append(f"money: {money}    # yuan or fen")
    lines.append(f"rows: {'item' if by_item else 'order'}    # order: a row each; item: rows of one number are one")
    if by_item:
        alike = _alike(rows, fields)
        lines.append(f"amount_is: {'total' if alike and 'unit_price' in fields else 'line'}    # total: of the order; "
                     "line: of the item")
    lines.append("columns:")
    lines += [f"  {field}: {_list([shown(place) for place in places])}" for field, places in fields.items()]
    lines += [f"  # {name}: …    # not found, and needed" for name in lacking]
    used = {place for places in fields.values() for place in places}
    private = [name for name in header.names if name and _PERSONAL.search(plain(name))]
    other = [name for place, name in enumerate(header.names)
             if name and place not in used and name not in private]
    if private:
        lines.append(f"# never read, and so never kept: {', '.join(private)}")
    if other:
        lines.append(f"# not used: {', '.join(other)}")
    constants = ({"category": "whole_house"} if "category" not in fields else {}) | (
        {"crs": "gcj02"} if "lng" in fields else {})
    if constants:
        lines += ["constants:", *(f"  {name}: {value}    # is it?" for name, value in constants.items())]
    lines += _statuses(rows, fields)
    lines += _categories(rows, fields)
    return Guess("\n".join(lines) + "\n", not lacking)


def _both(header: Header, place: int) -> str:
    """A column's name with its heading, where the name alone is of several."""
    return next((name for name, places in header.places.items() if places == (place,)), header.names[place])


def _statuses(rows: list[Row], fields: dict[str, list[int]]) -> list[str]:
    words = _different(rows, fields.get("status"))
    if words is None:
        return []
    lines = ["# What each says: placed, deposit-paid, paid, delivered, installed, cancelled, refunded", "statuses:"]
    for word in words or ["已付款"]:
        meant = next((deeds for part, deeds in _MEANT if re.search(part, word, re.IGNORECASE)), None)
        lines.append(f"  {_yaml(word)}: {_list(meant or ('placed',))}" + ("" if meant else "    # is it?"))
    return lines


def _categories(rows: list[Row], fields: dict[str, list[int]]) -> list[str]:
    words = _different(rows, fields.get("category"))
    if not words:
        return []
    lines = ["# The product line by category: traffic, regular, service or referral",
             "lines:", "  default: regular", "  by_category:"]
    lines += [f"    {_yaml(word)}: {_line(word)}" for word in words]
    return lines


def _line(word: str) -> str:
    if re.search("引流|体验|秒杀|赠|小件", word):
        return "traffic"
    return "service" if re.search("服务|安装费|测量|设计费|维修", word) else "regular"


def _different(rows: list[Row], places: list[int] | None) -> list[str] | None:
    """The different words of a column, if there are few."""
    if places is None:
        return None
    words = dict.fromkeys(word for row in rows if (word := _cell(row, places[0])))
    return [word for word in words if not word.startswith("#")] if len(words) <= _FEW else []


def _repeated(rows: list[Row], fields: dict[str, list[int]]) -> bool:
    """Whether rows that follow each other have the same number, or none below one."""
    if "order_id" not in fields:
        return False
    numbers = [_cell(row, fields["order_id"][0]) for row in rows if any(cell not in (None, "") for cell in row.cells)]
    return any(one == other for one, other in pairwise(numbers) if one)


def _alike(rows: list[Row], fields: dict[str, list[int]]) -> bool:
    """Whether the amounts of each order are the same in all its rows."""
    if "amount" not in fields or "order_id" not in fields:
        return False
    amounts: dict[str, str] = {}
    for row in rows:
        number, amount = (_cell(row, fields[field][0]) for field in ("order_id", "amount"))
        if amount and amounts.setdefault(number, amount) != amount:
            return False
    return True


def _cell(row: Row, place: int) -> str:
    cell: Cell = row.cells[place] if place < len(row.cells) else None
    return "" if cell is None else str(cell).strip()


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"


def _yaml(word: str) -> str:
    """A word as YAML reads it back."""
    plain_word = re.fullmatch(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff()（）/·-]*", word)
    known = word.lower() in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    return word if plain_word and not known else json.dumps(word, ensure_ascii=False)
