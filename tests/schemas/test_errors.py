from __future__ import annotations

import inspect
import re

import pytest

from schemas import errors
from schemas.errors import BadFile, BadPlaybook, BadReference, LoupanError


def depth(cls: type[LoupanError]) -> int:
    return cls.__mro__.index(LoupanError)


def test_the_tree_that_is_drawn_is_the_tree_that_is_there():
    _, tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n", 1)
    drawn = re.findall(r"^((?:[│ ├└─]{4})*)([A-Z]\w+)", inspect.cleandoc(tree), re.MULTILINE)
    have = {
        name: depth(cls) for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, LoupanError)
    }
    assert {name: len(lines) // 4 for lines, name in drawn} == have


@pytest.mark.parametrize("error", [BadReference, BadPlaybook])
def test_a_bad_file_says_file_line_what_and_remedy_in_one_line(error: type[BadFile]):
    assert str(error("stores.csv", 7, "no dealer d9", "add it to dealers.csv")) == (
        "stores.csv:7: no dealer d9; add it to dealers.csv"
    )
    assert str(error("stores.csv", None, "not UTF-8")) == "stores.csv: not UTF-8"
