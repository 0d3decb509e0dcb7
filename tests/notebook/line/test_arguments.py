"""The grammar of a line: options first, then the prompt as it was typed; a slip is refused, and the nearest word named."""

# ruff: noqa: RUF001  characters that look alike are what these tests are about

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.commands.grammar import parse_subcommand
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.line.arguments import parse_cell, parse_line
from llm_notebook.notebook.line.hints import _MEANT, option_hint
from llm_notebook.notebook.line.options import option_actions
from llm_notebook.notebook.line.typed import begins_like_option
from llm_notebook.notebook.magics import LLMMagics
from tests.notebook.scripted import sent

typed = st.text(
    alphabet=st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]) | st.sampled_from("'\"\\-{}%$?!`#@ "),
    max_size=60,
)


@pytest.mark.parametrize(
    "prompt",
    [
        "What's up?",
        'He said "what?',
        "it's Bob's -m or -u",
        "5 - 3 -u",
        "what is --usage?",
        "explain `--out x` and '--ta' and “--raw”, please",
        "git commit --amend",
        "— said he",
        "“hi there”",
        "“a” and “b”",
        "# a heading",
        "a {single: brace} $HOME {x}",
        r"\alpha \n C:\new",
        "100 % of it",
        "你好, wie geht's? 🙂",
        '"a" and "b"',
        '"quoted" - with a dash',
        '"git" -c what does it do',
        '"git" --rebase what does it do',
        "-5 + 3",
        "- a list item",
        "'It's fine'",
        "",
    ],
)
def test_a_prompt_is_taken_as_it_was_typed(prompt: str) -> None:
    arguments = parse_line(prompt)
    assert arguments.prompt == prompt
    assert not arguments.usage
    assert not arguments.continue_
    assert arguments.model is None


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ('"in quotes" -u', "in quotes"),
        ("“in quotes” -u", "in quotes"),
        ("'in quotes' —usage", "in quotes"),
        ("-u -- say --out x", "say --out x"),
        ("-u -- # a heading", "# a heading"),
        ("'in quotes' -u", "in quotes"),
        (r'"a \"word\" of it" --usage', 'a "word" of it'),
        (r'"C:\new" -u', r"C:\new"),
        ("-u -- -m is a flag", "-m is a flag"),
        ("-u   spaced   out  ", "spaced   out"),
        ("-u --", ""),
    ],
)
def test_options_may_stand_around_a_quoted_prompt(line: str, prompt: str) -> None:
    arguments = parse_line(line)
    assert arguments.prompt == prompt
    assert arguments.usage


def test_every_way_to_write_an_option() -> None:
    for line in ("-m echo hi", "-mecho hi", "-m=echo hi", "--model echo hi", "--model=echo hi", '"hi" -m echo'):
        assert (parse_line(line).model, parse_line(line).prompt) == ("echo", "hi")
    both = parse_line("-cu hi")
    assert both.continue_
    assert both.usage
    assert parse_line("-cm echo hi").model == "echo"
    assert parse_line("-m echo -m other hi").model == "other"
    assert parse_line("-s 'Be \"brief\".' hi").system == 'Be "brief".'
    assert parse_line('-s "" hi').system == ""
    assert parse_line("-o a 1 --option b 'two words' -oc 3 hi").options == {"a": "1", "b": "two words", "c": "3"}


@pytest.mark.parametrize(
    "dash", ["—", "–", "−", "―", "‐", "‑", "–-", "-–", "——", "－", "\u200b--", "-\u200b-", "\ufeff—"]
)
@pytest.mark.parametrize("space", [" ", "\u00a0", "\u3000", "\u2009", "\u200b "])
def test_what_keyboards_make_of_dashes_and_spaces_is_understood(dash: str, space: str) -> None:
    for name in ("ta", "approve", "T", "m", "chain-limit"):
        value = "" if name == "ta" else f"{space}2"
        odd = parse_line(f"-s Briefly.{space}{dash}{name}{value}{space}hi")
        plain = parse_line(f"-s Briefly. {'-' if len(name) == 1 else '--'}{name}{' 2' if value else ''} hi")
        assert odd == plain


@pytest.mark.parametrize(
    "value", ["“Be brief.”", "„Be brief.“", "”Be brief.”", "«Be brief.»", "‘Be brief.’", '“Be brief."', "＂Be brief.＂"]
)
def test_typographic_quotes_enclose_a_value(value: str) -> None:
    for line in (f"-s {value} -u hi", f"--system={value} -u hi", f'"hi" -s {value} -u'):
        assert (parse_line(line).system, parse_line(line).usage, parse_line(line).prompt) == ("Be brief.", True, "hi")
    assert parse_line("-s ‘it’s “so”’ hi").system == "it’s “so”"


@pytest.mark.parametrize(
    ("line", "cell", "body"),
    [
        ("-m echo \\", "  -s 'Be brief.' --ta\nHello", "Hello"),
        ("-m echo \\", "  -s 'Be brief.' \\\n  --ta\nHello\nyou", "Hello\nyou"),
        ("-m echo\\ ", "-s 'Be brief.' —ta\nHello \\", "Hello \\"),
        ("-m echo -s 'Be \\", "brief.' --ta\n\nHello", "\nHello"),
        ("-m echo -s 'Be brief.' --ta \\", "", ""),
        ("-m echo -s 'Be brief.' --ta --", "--ta", "--ta"),
    ],
)
def test_a_backslash_continues_the_line_of_options(line: str, cell: str, body: str) -> None:
    arguments, rest = parse_cell(line, cell)
    assert (arguments.model, arguments.system, arguments.ask_always) == ("echo", "Be brief.", True)
    assert (arguments.prompt, rest) == ("", body)


@pytest.mark.parametrize(
    ("line", "cell", "sentence"),
    [
        ("-T erase", "--ta\nHello", "--ta stands below the line of the options"),
        ("-T erase", "\n—ta Hello", "—ta stands below the line of the options"),
        ("-T erase", "-m echo -u\nHello", "-m stands below the line of the options"),
        ("-T erase Hello", "--ta", "--ta stands below the line of the options"),
        ("-m echo # briefly", "Hello", "What stands behind # would be sent"),
        ("# briefly", "Hello", "What stands behind # would be sent"),
        ("-m echo \\ # briefly", "--ta\nHello", "A backslash continues a line only at its very end"),
        ("-T erase Hello \\", "  --ta\nyou", "--ta stands in the prompt"),
    ],
)
def test_an_option_that_slipped_out_of_its_line_is_refused(line: str, cell: str, sentence: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_cell(line, cell)
    assert str(caught.value).startswith(sentence)
    assert "Nothing was sent." in str(caught.value)


@pytest.mark.parametrize(
    "cell", ["- a list\n- of items", "-T is a flag of ls", "-5 + 3", "tar --raw", "--rebase what?", "# x"]
)
def test_the_text_of_a_cell_may_begin_with_a_dash(cell: str) -> None:
    assert parse_cell("-u", cell)[1] == cell


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("say hi --out x", "--out stands in the prompt"),
        ("say hi —out x", "--out stands in the prompt"),
        ("say hi \u200b--ta", "--ta stands in the prompt"),
        ("say hi\u200b--ta", "--ta stands in the prompt"),
        ("it's --ta Bob's", "--ta stands in the prompt"),
        ('"hi" there --model=echo', "--model stands in the prompt"),
        ('"hi" -z --ta', "--ta stands in the prompt"),
        ("“hi --ta", "--ta stands in the prompt"),
        ("-s --ta hi", "-s needs a value, and --ta is an option."),
        ("-o a —ta hi", "-o needs 2 values, and --ta is an option."),
        ("—hello there", "There is no option —hello."),
        ("--та hi", "There is no option --та."),
        ("-s “open", "A quotation mark after -s is never closed."),
        ("-m echo # briefly", "What stands behind # would be sent"),
        ("--usgae hi", "There is no option --usgae. Did you mean --usage?"),
        ("-model echo hi", "There is no option -model. Did you mean --model?"),
        ("-usage hi", "There is no option -usage. Did you mean --usage?"),
        ("-model=echo hi", "There is no option -model. Did you mean --model?"),
        ("-z hi", "There is no option -z."),
        ("-cz hi", "There is no option -z."),
        ("--system-prompt x hi", "There is no option --system-prompt. Did you mean --system?"),
        ("--conversation 1 hi", "There is no option --conversation. Did you mean --cid?"),
        ("--tools-approve hi", "There is no option --tools-approve. Did you mean --ta?"),
        ("--tools-debug hi", "There is no option --tools-debug. Did you mean --td?"),
        ("--chain hi", "There is no option --chain. Did you mean --cl?"),
        ("--reasoning hi", "There is no option --reasoning. Did you mean --hide-reasoning?"),
        ("--output x hi", "There is no option --output. Did you mean --out?"),
        ("--contin hi", "There is no option --contin. Did you mean --continue?"),
        ("-q 4o hi", "There is no option -q. `%llm models -q TEXT` finds a model"),
        ("--query 4o hi", "There is no option --query. `%llm models -q TEXT` finds a model"),
        ("-d x.db hi", "There is no option -d. Every notebook keeps its turns in one journal"),
        ("--options", "There is no option --options. `%llm models -q MODEL --options` lists"),
        ("--async hi", "There is no option --async. Cells run one after the other"),
        ("--log hi", "There is no option --log. Every turn is kept"),
        ("-h", "There is no option -h. `%llm help` is the manual."),
        ("--xyzzy hi", "There is no option --xyzzy. `%llm help` lists the options."),
        ('"hi" --tools-debug', "There is no option --tools-debug. Did you mean --td?"),
        ('"hi" --usgae', "There is no option --usgae. Did you mean --usage?"),
        ("--help", "There is no option --help."),
        ("-m", "-m needs a value."),
        ("-o temperature", "-o needs 2 values."),
        ("-s 'open", "A quotation mark after -s is never closed."),
        ("--usage=yes hi", "--usage takes no value."),
        ("-c=yes hi", "-c takes no value."),
        ("-c5 hi", "-c takes no value."),
        ("-o a 1 -o a 2 hi", "Option a is given twice."),
        ("--out 2x hi", "--out needs the name of a variable, not '2x'."),
        ("--out class hi", "--out needs the name of a variable, not 'class'."),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence(line: str, sentence: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_line(line)
    assert str(caught.value).startswith(sentence)


def test_an_option_of_the_llm_command_leads_to_ours() -> None:
    for name in _MEANT:
        hint = option_hint(name, option_actions())
        assert "--system?" not in hint or name == "--system-prompt"
        meant = [option for option in _MEANT.get(name, ()) if option in option_actions()]
        assert not meant or hint == f" Did you mean {meant[0]}?"


def test_a_key_does_not_show_in_the_repr_of_what_was_asked() -> None:
    arguments = parse_line("--key sk-secret hi")
    assert arguments.key == "sk-secret"
    assert "sk-secret" not in repr(arguments)


def test_many_backslashes_take_no_time() -> None:
    line = '"' + "\\" * 5001
    assert parse_line(line).prompt == line


@pytest.mark.parametrize(
    "piece", ["\u200b", "\u00ad", "—", "“", "'", " “a", "'a", "`a ", "\\", " 'a' --x", "-\u200d", "-s “ ”x "]
)
def test_odd_characters_in_any_number_take_no_time(piece: str) -> None:
    # Anything quadratic would take hours.
    with suppress(CellError):
        parse_cell(f"hi {piece * 50_000}", "there")
    with suppress(CellError):
        parse_cell(piece * 50_000, "there")


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("models", "models", []),
        ("models list", "models", ["list"]),
        (" models  -q gpt -q mini ", "models", ["-q", "gpt", "-q", "mini"]),
        ("models --schemas --tools", "models", ["--schemas", "--tools"]),
        ("default", "default", []),
        ("default gpt-4o", "default", ["gpt-4o"]),
        ("aliases set fast gpt-4o", "aliases", ["set", "fast", "gpt-4o"]),
        ("keys set openai", "keys", ["set", "openai"]),
        ("keys path", "keys", ["path"]),
        ("local install", "local", ["install"]),
        ("help", "help", []),
        ("models?", "help", ["models"]),
        ("help usage", "help", ["usage"]),
        ("help --out", "help", ["--out"]),
        ("help -T", "help", ["-T"]),
        ("error", "error", []),
        ("error fix", "error", ["fix"]),
        ("error In[7]", "error", ["In[7]"]),
        ("error fix In [7]", "error", ["fix", "In", "[7]"]),
        ("error -m echo fix", "error", ["-m", "echo", "fix"]),
        ("error fix -m echo", "error", ["fix", "-m", "echo"]),
        ("error -m echo", "error", ["-m", "echo"]),
        ("usage", "usage", []),
        ("usage by model", "usage", ["by", "model"]),
        ("usage days", "usage", ["days"]),
        ("templates", "templates", []),
        ("tools list", "tools", ["list"]),
        ("fragments", "fragments", []),
        ("plugins", "plugins", []),
        ("schemas", "schemas", []),
        ("jobs", "jobs", []),
        ("stop all", "stop", ["all"]),
        ("batches", "batches", []),
        ("export chat.html", "export", ["chat.html"]),
        ("import logs.db", "import", ["logs.db"]),
        ("mcp list", "mcp", ["list"]),
        ("undo", "undo", []),
    ],
)
def test_a_subcommand_is_a_line_that_fits_as_a_whole(line: str, name: str, words: list[str]) -> None:
    command = parse_subcommand(line)
    assert command is not None
    assert (command.name, command.words) == (name, words)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "models of cars",
        "models of cars?",
        "default behaviours of Python",
        "help me",
        "keys of a piano are black and white",
        "local food",
        "aliases of famous writers",
        "hello",
        "model me a house",
        "What models are there?",
        "approve of this plan?",
        "deny the allegations, please",
        "-m echo models",
        '"models"',
        "“models”",
        "'usage' -u",
        "error handling in Go",
        "error 404 on this page, why?",
        "usage of the semicolon",
        "templates for a letter of thanks",
        "tools of the stone age",
        "fragments of Sappho, please",
        "plugins are what, exactly?",
        "schemas in Kant",
        "jobs for a philosopher",
        "stop me if you have heard this one",
        "batches of cookies",
        "export duties in 1846",
        "import pandas as pd",
        "mcp is short for what?",
        "forget what I said before and tell me a joke",
        "undo the spell",
        "expert opinion",
        "help error bars",
    ],
)
def test_a_question_that_begins_with_a_subcommands_word_is_a_question(line: str) -> None:
    assert parse_subcommand(line) is None


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("model", "`%llm models`"),
        ("modls", "`%llm models`"),
        ("alias set fast gpt-4o", "`%llm aliases set fast gpt-4o`"),
        ("key set openai", "`%llm keys set openai`"),
        ("models --schema", "`%llm models --schemas`"),
        ("models -q", "`%llm models -q TEXT`"),
        ('models -q "two words"', "`%llm models -q TEXT`"),
        ("aliases st fast gpt-4o", "`%llm aliases set ALIAS MODEL`"),
        ("aliases set fast", "`%llm aliases set ALIAS MODEL`"),
        ("keys delete", "`%llm keys remove NAME`"),
        ("keys set", "`%llm keys set NAME`"),
        ("local instal", "`%llm local install`"),
        ("approve xyz", "`%llm pending`"),
        ("approve 5Q7W2X1K", "`%llm pending`"),
        ("approve 5q7w2x1k please", "`%llm pending`"),
        ("approve", "`%llm approve ID`"),
        ("deny it", "`%llm pending`"),
        ("resume “5q7w2x1k”", "`%llm pending`"),
        ("eror", "`%llm error`"),
        ("errors fix", "`%llm error fix`"),
        ("error fixx", "`%llm error fix`"),
        ("error Out[7]", "`%llm error In[7]`"),
        ("error In[7", "`%llm error In[7]`"),
        ("error why", "`%llm error fix`"),
        ("error --fix", "`%llm error fix`"),
        ("Usage", "`%llm usage`"),
        ("usage per week", "`%llm usage day`"),
        ("usage today", "`%llm usage day`"),
        ("template", "`%llm templates`"),
        ("tool", "`%llm tools`"),
        ("tools --all", "`%llm tools`"),
        ("schema", "`%llm schemas`"),
        ("templates show", "`%llm templates show NAME`"),
        ("plugin list", "`%llm plugins list`"),
        ("job", "`%llm jobs`"),
        ("exports x.html", "`%llm export x.html`"),
        ("mcp add", "`%llm mcp`"),
        ("undo that", "`%llm undo`"),
        ("help modls", "`%llm help NAME`"),
        ("help --modle", "`%llm help NAME`"),
    ],
)
def test_a_slip_in_a_subcommand_is_not_sent_to_a_model(line: str, hint: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_subcommand(line)
    assert hint in str(caught.value)
    assert "Nothing was sent." in str(caught.value)
    assert "%%llm" in str(caught.value)
    assert " -- " in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "keys set openai sk-1",
        "keys set openai=sk-1",
        "keys sk-1",
        "key set openai sk-1",
        "keys openai sk-1",
        "kes set a b",
    ],
)
def test_a_key_on_the_line_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(CellError, match="A key is never typed into a cell") as caught:
        parse_subcommand(line)
    assert "sk-1" not in str(caught.value)


def _taken_verbatim(text: str) -> bool:
    whole_in_quotes = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    is_other = begins_like_option(text) or text.startswith(("--", "#", "\\"))
    return bool(text.strip()) and not is_other and "{{" not in text and not whole_in_quotes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=typed.map(str.strip).filter(_taken_verbatim))
def test_any_line_survives_the_shell(terminal: InteractiveShell, text: str) -> None:
    sent.clear()
    terminal.run_line_magic("llm", f"-m echo {text}")
    assert [prompt.prompt for prompt in sent] == [text]


# IPython itself strips lines that consist of spaces.
lines = typed.filter(lambda line: "{{" not in line and (not line or bool(line.strip(" \t"))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.lists(lines, max_size=4).map("\n".join))
def test_any_cell_survives_the_shell(terminal: InteractiveShell, text: str) -> None:
    sent.clear()
    terminal.run_cell(f"%%llm -m echo\nfirst line\n{text}\nlast line")
    assert [prompt.prompt for prompt in sent] == [f"first line\n{text}\nlast line"]


@pytest.mark.parametrize(
    "line", ["What's up?", 'He said "what?', "你好?", "is {x} $HOME?", "a -m b?", "what's 2+2 (in base 3)?"]
)
def test_a_question_typed_after_the_magic_arrives(terminal: InteractiveShell, line: str) -> None:
    sent.clear()
    terminal.run_cell(f"if True:\n    %llm {line}")
    assert [prompt.prompt for prompt in sent] == [line]


def test_the_editor_of_prompt_cells_knows_the_same_options() -> None:
    file = Path(__file__).parents[3] / "labextension" / "src" / "promptCell" / "options.json"
    values_in_editor = {name: len(kinds) for name, kinds in json.loads(file.read_text(encoding="utf-8")).items()}
    options = (action for action in LLMMagics.llm.parser._actions if action.option_strings)
    values = {name: 1 if action.nargs is None else action.nargs for action in options for name in action.option_strings}
    assert values_in_editor == values
