import importlib
import inspect

import pytest
from nbconvert.filters import markdown2html

from mrilab.teach.notation import LEDGER, ledger_markdown


def resolve(code):
    """The object that `code` names, or the function that has the named parameter."""
    module, path = code.split(":")
    thing = importlib.import_module(module)
    for part in path.split("(")[0].split("."):
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize("symbol", LEDGER, ids=lambda symbol: symbol.symbol)
def test_every_code_name_exists(symbol):
    thing = resolve(symbol.code)
    if "(" in symbol.code:
        assert symbol.name in inspect.signature(thing).parameters
    else:
        assert callable(thing)


def test_symbols_are_unique_and_the_table_has_a_row_for_each():
    assert len({symbol.symbol for symbol in LEDGER}) == len(LEDGER)
    page = markdown2html(ledger_markdown())
    assert page.count("<tr>") == len(LEDGER) + 1
    assert page.count("<td>") == 6 * len(LEDGER)
