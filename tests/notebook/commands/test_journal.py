"""`%llm pending` and `%llm grants`: what waits and what is allowed, and in which notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.journal.uses import TurnUse
from llm_notebook.notebook.commands.grammar import parse_subcommand
from llm_notebook.notebook.commands.lists.places import age, cell_name, notebook_names
from llm_notebook.notebook.commands.usage import add_up
from llm_notebook.notebook.errors import CellError
from llm_notebook.parts.messages import Usage
from tests.notebook.kernels import Cell, running_kernel
from tests.notebook.versions import MIME_TYPE
from tests.notebook.waits.test_waiting import ASK, DEFINE, Notebook, question, scopes, text


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("kernel")
    with running_kernel(folder) as kernel:
        yield Notebook(kernel, folder)


@pytest.fixture
def notebook(opened: Notebook) -> Notebook:
    """A notebook in a kernel that has just started, in which nothing waits and nothing is allowed."""
    opened.path = "work/2024.ipynb"
    opened.restart()
    names = [line.split()[0] for line in opened.pending.splitlines() if line and line[0] != " "]
    for name in names if "Nothing waits" not in opened.pending else ():
        opened.run(f"%llm forget {name}")
    opened.define()
    assert opened.run('%config LLMMagics.on_pause = "continue"').status == "ok"
    return opened


def listed(cell: Cell) -> tuple[str, str]:
    """Return a list as text and as Markdown."""
    assert cell.traceback == ""
    return str(cell.outputs[0]["text/plain"]), str(cell.outputs[0]["text/markdown"])


def test_pending_says_where_each_question_was_asked_and_what_its_tool_is(notebook: Notebook) -> None:
    here = notebook.run(ASK)
    notebook.path = "other/2024.ipynb"
    there = notebook.run(ASK + " elsewhere", "cell-9")
    notebook.path = "work/2024.ipynb"
    plain, markdown = listed(notebook.run("%llm pending"))
    assert f'| `{question(here)}` | `erase` path="/a"<br>“Erase /a” | this notebook, \\[' in markdown
    assert "“Erase /a elsewhere” | other/2024.ipynb, \\[" in markdown
    assert markdown.count(" | asker | just now |") == 2
    assert "`%llm approve ID`, `%llm deny ID REASON` or `%llm forget ID`" in markdown
    assert f"{question(here)}  erase\n    Asked by asker in this notebook, [" in plain
    assert f"{question(there)}  erase\n    Asked by asker in other/2024.ipynb, [" in plain
    assert plain.count("It says of itself: Erase a file.\n    It comes from a function in its notebook.\n") == 2
    assert '        def erase(path: str) -> str:\n            """Erase a file."""' in plain


def test_pending_knows_the_same_in_a_later_kernel(notebook: Notebook) -> None:
    asked = notebook.run(ASK)
    before = notebook.pending
    notebook.restart()
    assert notebook.pending == before
    assert question(asked) in before


def test_what_a_list_shows_is_literal_and_hides_nothing(notebook: Notebook) -> None:
    notebook.define("/a|*b*<b>\u202e\nabcdefg1  harmless")
    waiting = notebook.run(ASK)
    plain, markdown = listed(notebook.run("%llm pending"))
    assert "/a\\|\\*b\\*&lt;b>\\u{202e}" in markdown
    assert markdown.count("\n|") == 2
    assert not any(line.startswith("abcdefg1") for line in plain.splitlines())
    whole, _ = listed(notebook.run(f"%llm pending {question(waiting)}"))
    assert not any(line.startswith("abcdefg1") for line in whole.splitlines())
    assert "/a|*b*<b>\\u{202e}" in whole


def test_one_question_is_shown_in_full(notebook: Notebook) -> None:
    body = "".join(f"    print({number})\n" for number in range(40))
    notebook.run(f"def erase(path: str) -> str:\n{body}", "define")
    waiting = notebook.run(ASK)
    plain, _ = listed(notebook.run("%llm pending"))
    assert "… 21 more lines" in plain
    assert "print(39)" not in plain
    whole, markdown = listed(notebook.run(f"%llm pending {question(waiting)}"))
    assert "print(39)" in whole
    assert "print(39)" in markdown
    assert f"%llm deny {question(waiting)} REASON" in whole
    assert "No question is called 0123456789" in notebook.run("%llm pending 0123456789").traceback


def test_very_long_arguments_are_cut_in_the_list_and_whole_by_themselves(notebook: Notebook) -> None:
    notebook.run("path = '/' + 3_000_000 * 'x'", "define")
    assert notebook.run("%config LLMMagics.on_pause = 'continue'").status == "ok"
    waiting = notebook.run(ASK)
    plain, markdown = listed(notebook.run("%llm pending"))
    assert len(plain) + len(markdown) < 10_000
    assert "… 2,996,0" in plain
    whole, _ = listed(notebook.run(f"%llm pending {question(waiting)}"))
    assert 3_000_000 * "x" in whole
    assert notebook.run(f"%llm forget {question(waiting)}").traceback == ""


def test_a_destructive_tool_and_an_open_decision_are_named(notebook: Notebook) -> None:
    notebook.run(f"import llm_notebook as llm\n{DEFINE}erase = llm.require_approval(erase, destructive=True)", "define")
    notebook.run(ASK.replace("--ta ", ""))
    plain, markdown = listed(notebook.run("%llm pending"))
    assert "· destructive\n" in plain
    assert "<br>**destructive** · “Erase /a”" in markdown


def test_the_list_in_a_page_is_a_table_of_harmless_text(notebook: Notebook) -> None:
    notebook.run(f"import llm_notebook as llm\n{DEFINE}erase = llm.require_approval(erase, destructive=True)", "define")
    notebook.run("%llm -m asker -T erase Erase /<img/src=x\u202e/onerror=alert(1)>&amp;", "cell-9")
    [shown] = [bundle["text/html"] for bundle in notebook.run("%llm pending").outputs]
    assert "<img" not in shown
    assert "/&lt;img/src=x\\u{202e}/onerror=alert(1)&gt;&amp;amp;" in shown
    assert '<span class="llm-is-error">destructive</span>' in shown
    assert '<span class="llm-name">erase</span>' in shown
    assert set(re.findall(r"<(\w+)", shown)) <= set("div table thead tbody tr th td span small p".split())


@pytest.mark.parametrize("options", ["-n", "-n --new"])
def test_a_question_that_is_not_kept_says_that_it_ends_with_the_kernel(notebook: Notebook, options: str) -> None:
    asked = notebook.run(f"%llm {options} -m asker --ta -T erase Erase /a /b")
    ends = "This question is not in the journal: it ends with the kernel."
    assert text(asked).count(ends) == 1
    assert "· ends with this kernel\n" in notebook.pending
    approved = notebook.run(f"%llm approve {question(asked)}", "cell-2")
    assert text(approved).count(ends) == 1
    done = notebook.run(f"%llm approve {question(approved)}", "cell-2")
    assert ends not in text(done)
    assert ends not in text(notebook.run(ASK, "cell-3"))


def test_a_question_that_was_not_kept_and_is_dropped_says_no_more_with_what_it_ends(notebook: Notebook) -> None:
    asked = notebook.run("%llm -n -m asker --ta -T erase Erase /a")
    dropped = notebook.run(f"%llm forget {question(asked)}", "cell-2")
    [record] = [bundle["text/plain"] for bundle in dropped.outputs if MIME_TYPE in bundle]
    assert "dropped, did not run" in record
    assert "■ Ended before the model went on." in record
    assert "not in the journal" not in record
    assert "Stopped" not in record


def test_grants_name_the_notebook_and_end_with_their_session(notebook: Notebook) -> None:
    asked = notebook.run("%llm -m asker --ta -T erase Erase /a")
    assert scopes(asked) == ["cell", "notebook", "session"]
    assert notebook.act(asked, grant="session").traceback == ""
    notebook.path = "work/other.ipynb"
    for scope in ("notebook", "cell"):
        notebook.run(f"def erase(path: str) -> str: return {scope!r}", "define")
        asked = notebook.run("%llm -m asker --ta -T erase Erase /a", f"cell of {scope}")
        assert notebook.act(asked, f"cell of {scope}", grant=scope).traceback == ""
    plain, _ = listed(notebook.run("%llm grants"))
    rows = [line.split("  ") for line in plain.splitlines()[1:4]]
    assert [[cell.strip() for cell in row if cell.strip()][1:4] for row in rows] == [
        ["erase", "this session", "2024.ipynb"],
        ["erase", "the whole notebook", "this notebook"],
        ["erase", "one cell", "this notebook"],
    ]
    notebook.restart()
    plain, _ = listed(notebook.run("%llm grants"))
    assert "session" not in plain
    assert plain.count("this notebook") == 2
    for line in plain.splitlines()[1:3]:
        assert notebook.run(f"%llm grants revoke {line.split()[0]}").traceback == ""


def test_a_chain_of_another_kernel_is_not_allowed_anything_for_the_session(notebook: Notebook) -> None:
    waiting = notebook.run("%llm -m asker --ta -T erase Erase /a /b")
    notebook.restart()
    notebook.define()
    again = notebook.run("%llm -m asker --ta -T erase Erase /a /b")
    assert question(again) == question(waiting)
    assert scopes(again) == ["cell", "notebook"]
    refused = notebook.act(again, grant="session")
    assert refused.traceback == ""
    assert question(again) in notebook.pending
    assert "Nothing is always allowed" in listed(notebook.run("%llm grants"))[0]


@pytest.mark.parametrize("line", ["approve tasks", "deny me", "forget everything", "resume work", "pending tasks"])
def test_what_is_no_id_is_a_sentence_and_no_prompt(line: str) -> None:
    with pytest.raises(CellError, match="takes the ID of a call"):
        parse_subcommand(line)


def test_a_terminal_lists_what_waits_there(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell("%llm pending")
    assert capsys.readouterr().out == "Nothing waits for you.\n"


def test_notebooks_are_named_as_briefly_as_tells_them_apart() -> None:
    paths = [
        "/home/me/a/x.ipynb",
        "/home/me/b/x.ipynb",
        "/home/me/y.ipynb",
        "C:\\work\\z.ipynb",
        "",
        "/home/me/here.ipynb",
    ]
    names = notebook_names(paths, "/home/me/here.ipynb")
    assert list(names.values()) == ["a/x.ipynb", "b/x.ipynb", "y.ipynb", "z.ipynb", "", "this notebook"]
    assert notebook_names(["x.ipynb", "b/x.ipynb"], "") == {"x.ipynb": "x.ipynb", "b/x.ipynb": "b/x.ipynb"}
    assert [cell_name("x.ipynb", 5), cell_name("", 5), cell_name("x.ipynb", 0), cell_name("", 0)] == [
        "x.ipynb, [5]",
        "cell [5]",
        "x.ipynb",
        "",
    ]


def test_an_age_has_one_unit() -> None:
    now = datetime.now(UTC)
    spans = [timedelta(seconds=59), timedelta(minutes=4.9), timedelta(hours=23.9), timedelta(days=2.5), -timedelta(1)]
    assert [age(now - span, now) for span in spans] == ["just now", "4 min", "23 h", "2 d", "just now"]
    assert age(None) == ""


def test_the_history_is_a_tree_by_notebook_in_which_replaced_turns_are_grey(notebook: Notebook) -> None:
    notebook.run("%llm -m echo first", "cell-1")
    notebook.run("%llm -c second", "cell-2")
    notebook.run("%llm -c second again", "cell-2")
    notebook.path = "other.ipynb"
    notebook.run("%llm -m echo elsewhere", "cell-1")
    cell = notebook.run("%llm history")
    plain, markdown = listed(cell)
    assert "\nthis notebook\n" in plain
    asked = next(line for line in plain.splitlines() if "elsewhere" in line)
    assert re.fullmatch(r"\w+ +elsewhere +echo +today, \d\d:\d\d +[\d.]+ m?s +1,239", asked)
    assert plain.index("this notebook") < plain.index("elsewhere") < plain.index("2024.ipynb") < plain.index("first")
    assert plain.index("first") < plain.index("↳ second (replaced)") < plain.index("↳ second again")
    assert "| ~~↳ second~~<br>" in markdown
    # Its folder is named too where another notebook has the same name.
    assert "2024.ipynb**" in markdown
    [html] = [bundle["text/html"] for bundle in cell.outputs]
    replaced = [row for row in html.split("<tr") if 'class="llm-past"' in row]
    assert [row for row in replaced if "second" in row and "again" not in row]
    assert not [row for row in replaced if "second again" in row]
    assert '<th role="rowheader" scope="colgroup" colspan="6">this notebook</th>' in html


def test_usage_counts_tokens_time_and_cost(notebook: Notebook) -> None:
    before = listed(notebook.run("%llm usage"))[0]
    notebook.run("%llm -m other first", "cell-1")
    notebook.run("%llm -m other second", "cell-2")
    by_model = listed(notebook.run("%llm usage model"))[0]
    row = next(line for line in by_model.splitlines() if line.startswith("other "))
    assert row.split()[1:4] == ["2", "2,468", "10"]
    assert re.fullmatch(r"\d+ s", " ".join(row.split()[4:6]))
    assert "█" in row
    assert "today" in listed(notebook.run("%llm usage"))[0]
    assert before != listed(notebook.run("%llm usage day"))[0]
    by_notebook, markdown = listed(notebook.run("%llm usage by notebook"))
    assert "this notebook" in by_notebook
    assert "░" in markdown or "█" in markdown
    assert "| Turns | Tokens in | out | Time | Cost |" in markdown


def test_the_sum_of_turns_has_their_time_and_their_cost() -> None:
    at, usage = datetime(2026, 1, 2, tzinfo=UTC), Usage(input=1_000_000, output=500_000)
    uses = [TurnUse(at, model, "x.ipynb", usage, 90_000) for model in ("gpt-4o-mini", "gpt-4o-mini", "nowhere/unknown")]
    sums, whole = add_up(uses, "model")
    assert sums["gpt-4o-mini"].cells("", 1.0)[1:6] == ["2", "2,000,000", "1,000,000", "3 min", "$0.9000"]
    assert sums["nowhere/unknown"].cells("", 1.0)[4:6] == ["2 min", ""]
    assert whole.cost == "$0.9000"
