"""`%llm error`: the description of a failed cell for the model, the record of it for the reader, and the proposed cell."""

from __future__ import annotations

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook.kernels import Kernel
from tests.notebook.scripted import sent, texts

Capture = pytest.CaptureFixture[str]
SETUP = """
import asyncio, json, re, decimal, datetime
import numpy as np
import pandas as pd
sales = pd.DataFrame({"month": ["Jan", "Feb"], "revenue": [10, 20]})
prices = {"apple": 1.5}
numbers = [1, 2, 3]
word = "twelve"
nothing = None
def half(amount, by=2):
    return amount / by
def endless(depth):
    return endless(depth + 1)
class Shelf:
    def __init__(self, books):
        self.books = books
    def first(self):
        return self.books[0]
"""
# Each: the cell, its line that fails, the message of the exception, and the description of values and versions.
CLASSIC = [
    ("numbers[5]", 1, "IndexError: list index out of range", ["numbers: list of 3 = [1, 2, 3]"]),
    ("total = 0\nprices['pear'] + total", 2, "KeyError: 'pear'", ["prices: dict of 1 = {'apple': 1.5}"]),
    ("word + 1", 1, "TypeError: can only concatenate str", ["word: str of 6 = 'twelve'"]),
    ("int(word)", 1, "ValueError: invalid literal for int()", ["word: str of 6 = 'twelve'"]),
    ("nothing.upper()", 1, "AttributeError: 'NoneType' object", ["nothing: NoneType = None"]),
    ("numbesr.append(4)", 1, "NameError: name 'numbesr' is not defined", ["Versions: Python 3."]),
    ("half(10, 0)", 1, "ZeroDivisionError", ["amount in half(): int = 10", "by in half(): int = 0"]),
    ("endless(0)", 1, "RecursionError", ["more lines of the traceback", "depth in endless()"]),
    ("Shelf([]).first()", 1, "IndexError", ["self in first(): Shelf ="]),
    ("import pandsa", 1, "ModuleNotFoundError: No module named 'pandsa'", ["pandsa not installed"]),
    ("from pandas import DataFarme", 1, "ImportError: cannot import name", ["pandas " + __import__("pandas").__version__]),
    ("open('no/such/file')", 1, "FileNotFoundError", ["'no/such/file'"]),
    ("x = 1\nif x\n    print(x)", 2, "SyntaxError: expected ':'", [">", "if x"]),
    ("def f():\nreturn 1", 2, "IndentationError", ["> return 1"]),
    ("print('a", 1, "SyntaxError: unterminated string literal", ["> print('a"]),
    ("sales['reveneu'].sum()", 1, "KeyError: 'reveneu'", ["- month: str", "- revenue: int64", "pandas 3."]),
    ("sales.loc[5, 'month']", 1, "KeyError: 5", ["sales: pandas DataFrame, 2 rows"]),
    ("sales.revenu", 1, "AttributeError: 'DataFrame' object", ["| month | revenue |"]),
    ("sales['month'].astype(int)", 1, "ValueError: invalid literal", ["sales: pandas DataFrame"]),
    ("pd.merge(sales, sales, on='year')", 1, "KeyError: 'year'", ["| month | revenue |"]),
    ("if sales['revenue'] > 5:\n    pass", 1, "ValueError: The truth value of a Series", ["sales: pandas DataFrame"]),
    ("np.array([1, 2]) @ np.array([1, 2, 3])", 1, "ValueError: matmul", ["numpy 2."]),
    ("a = np.zeros((2, 3))\nb = np.ones((4,))\na + b", 3, "ValueError: operands could not be broadcast", ["a: numpy array, 2 \u00d7 3 float64", "b: numpy array, 4 float64"]),
    ("np.array(numbers).reshape(2, 2)", 1, "ValueError: cannot reshape array of size 3", ["numbers: list of 3"]),
    ("json.loads('{bad')", 1, "JSONDecodeError", ["json.decoder"]),
    ("json.dumps({1: {2, 3}})", 1, "TypeError: Object of type set is not JSON serializable", []),
    ("re.compile('(')", 1, "missing ), unterminated subpattern", []),
    ("first, second = numbers", 1, "ValueError: too many values to unpack", ["numbers: list of 3"]),
    ("assert len(numbers) == 4, f'{len(numbers)} numbers'", 1, "AssertionError: 3 numbers", ["numbers: list of 3"]),
    ("half(by=2)", 1, "TypeError: half() missing 1 required positional argument", ["half: function = half(amount, by=2)"]),
    ("try:\n    int(word)\nexcept ValueError as error:\n    raise RuntimeError('no number') from error", 4, "RuntimeError: no number", ["caused by: ValueError: invalid literal"]),
    ("decimal.Decimal(word)", 1, "InvalidOperation", ["word: str of 6 = 'twelve'"]),
    ("datetime.date(2025, 2, 30)", 1, "ValueError: day", []),
    ("await asyncio.wait_for(asyncio.sleep(5), 0)", 1, "TimeoutError", []),
    ("frozenset(numbers).add(4)", 1, "AttributeError: 'frozenset' object", ["numbers: list of 3"]),
]  # fmt: skip


def _explain(terminal: InteractiveShell, capsys: Capture, line: str = "error") -> tuple[str, str]:
    """Return (what the model was sent, what the reader sees)."""
    sent.clear()
    capsys.readouterr()
    terminal.run_cell(f"%llm {line}", store_history=True)
    return "\n".join(texts(sent[-1])) if sent else "", capsys.readouterr().out


def test_classic_errors_reach_the_model_with_cell_line_values_and_versions(
    terminal: InteractiveShell, capsys: Capture
) -> None:
    # IPython's own tracebacks take their time.
    terminal.run_line_magic("xmode", "Minimal")
    terminal.run_cell(SETUP, store_history=True)
    assert len(CLASSIC) >= 30
    for cell, line, said, told in CLASSIC:
        number = terminal.execution_count
        terminal.run_cell(cell, store_history=True)
        text, shown = _explain(terminal, capsys)
        assert f"In[{number}] failed: " in text, cell
        assert f"The cell In[{number}], which failed in line {line}:" in text, (cell, text)
        assert f"\n> {cell.splitlines()[line - 1]}\n" in text, cell
        assert said in text, (cell, text)
        assert "Versions: Python 3." in text, cell
        assert [piece for piece in told if piece not in text] == [], (cell, text)
        assert len(text) < 20_000, cell
        assert shown.startswith(f"sent: In[{number}], its traceback, "), shown
        assert f"line {line} failed: {cell.splitlines()[line - 1].strip()}" in shown, cell


def test_a_hidden_cell_is_not_explained(terminal: InteractiveShell, capsys: Capture) -> None:
    for cells in (["# llm: hide\n1 / 0"], ["def f():  # below\n    # llm: hide\n    return 1 / 0", "f()"]):
        for cell in cells:
            terminal.run_cell(cell, store_history=True)
        text, shown = _explain(terminal, capsys)
        assert text == ""
        assert "which is marked # llm: hide. Nothing was sent." in shown


def test_every_value_that_is_sent_is_named_to_the_reader(terminal: InteractiveShell, capsys: Capture) -> None:
    terminal.run_cell(SETUP, store_history=True)
    terminal.run_cell("def f(long):\n    return long[prices]\nf('y' * 5000)", store_history=True)
    text, shown = _explain(terminal, capsys)
    assert "values: long, str of 5,000 in f(); prices, dict of 1; f, function" in shown
    assert "more characters" in text
    assert len(text) < 4_000


def test_a_secret_in_a_cell_a_value_or_the_exception_is_not_sent(
    terminal: InteractiveShell, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "from-the-environment")
    terminal.run_cell("def connect(url, password='in-the-default'):\n    raise OSError(f'no route to {url}')")
    terminal.run_cell(
        "api_key = 'in-the-notebook'\nlogin = {'user': 'ana', 'password': 'in-a-dict'}\n"
        "connect(f'https://ana:in-the-address@example.com/?t=from-the-environment', login['password']) or api_key",
        store_history=True,
    )
    text, shown = _explain(terminal, capsys)
    for secret in ("in-the-default", "in-the-notebook", "in-a-dict", "in-the-address", "from-the-environment"):
        assert secret not in text
        assert secret not in shown
    assert "no route to https://[removed]@example.com/?t=[removed]" in text
    assert "[removed] 5 secrets" in shown


def test_a_secret_that_only_a_function_knows_is_not_sent_in_its_message(
    terminal: InteractiveShell, capsys: Capture
) -> None:
    terminal.run_cell(
        "def log_in(user, password, *, token: str = 'as-a-default-1'):\n"
        "    raise ValueError(f'{user} has no password {password[:-2]!r}, {password!r}, {token}')"
    )
    terminal.run_cell("given = ['ana', 'only-its-own']\nlog_in(*given)", store_history=True)
    text, shown = _explain(terminal, capsys)
    assert "ValueError: ana has no password" in text
    for secret in ("only-its-own", "as-a-default-1"):
        assert secret not in text
        assert secret not in shown


def test_an_object_whose_repr_fails_does_no_harm(terminal: InteractiveShell, capsys: Capture) -> None:
    terminal.run_cell("class Odd:\n    shape = property(lambda self: 1 / 0)\n    def __repr__(self): return 1 / 0")
    terminal.run_cell("odd = Odd()\nodd + 1", store_history=True)
    assert "odd: Odd = " in _explain(terminal, capsys)[0]


def test_cells_with_magics_and_causes_are_explained_by_their_own_lines(
    terminal: InteractiveShell, capsys: Capture
) -> None:
    for cell, failing in [
        ("%%time\nn = 1\nn / 0", "n / 0"),
        ("%time 1 / 0", "%time 1 / 0"),
        ("!true\nx = %lsmagic\n{}['a']", "{}['a']"),
        (
            "if True:\n    raise ExceptionGroup('both', [ValueError('a'), KeyError('b')])",
            "    raise ExceptionGroup('both', [ValueError('a'), KeyError('b')])",
        ),
    ]:
        terminal.run_cell(cell, store_history=True)
        text, _ = _explain(terminal, capsys)
        assert f"\n> {failing}\n" in text, (cell, text)
    assert "in it: ValueError: a" in text


def test_the_exceptions_of_the_user_are_left_as_they_are(terminal: InteractiveShell, capsys: Capture) -> None:
    terminal.run_cell("kept = ValueError('kept')\nraise kept", store_history=True)
    terminal.run_cell("1 / 0", store_history=True)
    assert terminal.user_ns["kept"].__traceback__ is not None
    _explain(terminal, capsys)
    assert terminal.user_ns["kept"].__traceback__ is not None


def test_ten_megabytes_are_no_burden(terminal: InteractiveShell, capsys: Capture) -> None:
    terminal.run_cell(
        "big = 'password=' * 1_000_000\nlong = [big] * 10\nraise ValueError(big, long)", store_history=True
    )
    text, shown = _explain(terminal, capsys)
    assert len(text) < 20_000
    assert "ValueError" in shown


def test_which_cell_is_explained(terminal: InteractiveShell, capsys: Capture) -> None:
    text, shown = _explain(terminal, capsys)
    assert not text
    assert shown.startswith("No cell of this kernel has failed")
    terminal.run_cell("before = [1]\nbefore[7]", store_history=True)
    number = terminal.execution_count - 1
    terminal.run_cell("later = {}\nlater['x']", store_history=True)
    terminal.run_cell("%llm --usgae no such option", store_history=True)
    assert "KeyError: 'x'" in _explain(terminal, capsys)[0]
    # Of an earlier failure the variables are those of the notebook as it is.
    text, _ = _explain(terminal, capsys, f"error In[{number}]")
    assert "> before[7]" in text
    assert "before: list of 1 = [1]" in text
    assert "has not failed in this kernel. Those that are remembered: " in _explain(terminal, capsys, "error In[99]")[1]
    assert "No model is called 'ech'" in _explain(terminal, capsys, "error -m ech")[1]
    assert _explain(terminal, capsys, "error -m other")[0]


def test_a_proposed_cell_is_shown_as_a_difference_and_nothing_is_run(kernel: Kernel) -> None:
    kernel.run("orders = {'n': 4}\nran = []")
    failed = kernel.run("total = 0\nran.append(1)\ntotal += orders['count']\ntotal")
    assert failed.status == "error"
    shown = kernel.run("%llm error fix -m mender")
    [bundle] = shown.outputs
    document = bundle["application/vnd.llm-notebook.transcript+json"]
    assert document["proposal"]["code"] == "total = 0\nran.append(1)\ntotal += orders['n']\ntotal"
    assert [line["sign"] for line in document["proposal"]["lines"]] == [" ", " ", "-", "+", " "]
    assert "against In[" in document["proposal"]["note"]
    assert [block["text"] for block in document["blocks"]] == ["**No such key.** `orders` has only `n`."]
    [told] = document["sent"]
    assert re.match(r"sent: In\[\d+\], its traceback, 2 values, 1 more; about \d+ tokens$", told["line"])
    assert "orders, dict of 1" in told["rows"][2]["text"]
    assert (
        "```diff\n  total = 0\n  ran.append(1)\n- total += orders['count']\n+ total += orders['n']\n"
        in bundle["text/markdown"]
    )
    assert kernel.value("ran") == [1]
    kernel.run("orders['n', 'm']")
    [bundle] = kernel.run("%llm error fix -m mender").outputs
    assert "the same as In[" in bundle["application/vnd.llm-notebook.transcript+json"]["proposal"]["note"]
    # The history holds what the model said, whole.
    assert "```python" in kernel.value("str(__import__('llm_notebook').history()[0].output)")


def test_python_kept_what_failed_before_the_package_was_loaded(kernel: Kernel) -> None:
    kernel.run("%unload_ext llm_notebook")
    failed = kernel.run("early = (1, 2)\nearly[9]", "cell-early")
    kernel.run("%load_ext llm_notebook\nsent.clear()")
    assert kernel.run(f"%llm error In[{failed.reply['execution_count']}] -m echo").traceback == ""
    assert "> early[9]" in kernel.value("texts(sent[-1])[-1]")
    kernel.run("%llm error -m echo")
    assert "> early[9]" in kernel.value("texts(sent[-1])[-1]")
    assert "early: tuple of 2 = (1, 2)" in kernel.value("texts(sent[-1])[-1]")
