"""A key that is typed into a cell is masked before the cell's text is stored or compared."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.keys import set_key
from llm_notebook.journal.current import history
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.line.arguments import parse_cell
from llm_notebook.notebook.line.typed_keys import masked_text, without_keys

KEY = "sk-very-secret-0123"


@pytest.mark.parametrize(
    "line",
    [
        f"%llm --key {KEY} hi",
        f"%llm --key={KEY} hi",
        f'%llm --key "{KEY}" hi',
        f"%llm -u --key '{KEY}' hi",
        f"%llm \u2014key {KEY} hi",
        f"%%llm -u \\\n  --key {KEY}\nhi",
        f"%%llm --key \\\n  {KEY}\nhi",
        f'"hi" --key {KEY}',
        f"%llm \u02d7\u02d7key {KEY} hi",
        f"%llm \u2e3akey {KEY} hi",
        f"%llm \u200b--key {KEY} hi",
        f"%llm -\u200b-key {KEY} hi",
        f"%llm --k\u200bey {KEY} hi",
        f"%llm --\uff4b\uff45\uff59 {KEY} hi",
        f"%llm -u\u200b--key {KEY} hi",
        f"%llm --key\u00a0{KEY} hi",
        f"%llm --key \u200b{KEY}\u200b hi",
        f"%llm --key \u2039{KEY}\u203a hi",
        f"%llm --key \u300c{KEY}\u300d hi",
        f"%llm --key '{KEY[:4]}'\"{KEY[4:]}\" hi",
        f"%llm --key 'never closed {KEY}",
    ],
)
def test_a_typed_key_is_masked_however_it_is_typed(line: str) -> None:
    assert KEY not in without_keys(line)
    assert KEY[4:] not in without_keys(line)
    assert without_keys(line) == without_keys(line.replace(KEY[4:], "another-key"))
    assert KEY not in masked_text(line, KEY)


@settings(max_examples=200)
@given(
    before=st.text("-\u02d7\u2014\uff0d\u200b\ufeff\u00ad", min_size=1, max_size=3),
    inside=st.sampled_from(["key", "k\u200bey", "\uff4be\u00ady", "\U0001d424ey"]),
    between=st.sampled_from([" ", "=", "= ", "\u00a0", " \\\n "]),
    quoted=st.sampled_from(["{}", "'{}'", '"{}"', "\u201e{}\u201c", "\u00ab{}\u00bb", "\uff02{}\uff02"]),
)
def test_whatever_is_read_as_a_key_is_masked(before: str, inside: str, between: str, quoted: str) -> None:
    line = f"{before}{inside}{between}{quoted.format(KEY)}"
    try:
        arguments, _ = parse_cell(line, "hi")
    except CellError:
        return
    if arguments.key is not None:
        assert KEY not in without_keys(line)


def test_the_name_of_a_stored_key_and_other_text_stay() -> None:
    set_key("work", KEY)
    assert masked_text("-m x --key work hi at work", "work") == "-m x --key work hi at work"
    assert masked_text("the monkey --keyed", None) == without_keys("the monkey --keyed") == "the monkey --keyed"


@pytest.mark.parametrize("cell", [f"%llm -m keyed --key {KEY} hi", f"%%llm -m keyed \\\n --key={KEY}\nhi"])
def test_the_journal_never_holds_a_typed_key(terminal: InteractiveShell, cell: str) -> None:
    assert terminal.run_cell(cell).success
    entry = history(limit=1)[0]
    assert "hi" in entry.begun.settings["text"]
    assert KEY not in json.dumps(entry.begun.settings)


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
@pytest.mark.parametrize("cell", [f"%llm -m keyed --key {KEY} bug", f"%%llm -m keyed --key='{KEY}'\nbug"])
def test_no_traceback_shows_a_typed_key(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str, mode: str
) -> None:
    terminal.run_line_magic("xmode", mode)
    capsys.readouterr()
    terminal.run_cell(cell)
    told = "".join(capsys.readouterr())
    assert KEY not in told
    assert "ZeroDivisionError: a bug with a key at hand" in told
    if mode != "Minimal":
        assert "--key" in told
        assert "scripted.py" in told
