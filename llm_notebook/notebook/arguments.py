"""Parses the line of `%llm` and `%%llm`: options first, then the prompt exactly as it was typed.

argparse declares the options and writes their manual, but it does not parse the line. It would split the prompt into words by the
rules of a shell, and a prompt is prose: it has apostrophes that are no quotation marks, dashes that are no options, and spaces that
matter. So the line is read from the left, one option at a time, and what is left when no option follows is the prompt.
"""

from __future__ import annotations

import argparse
import keyword
import re

from llm_notebook.configuration.keys import Secret
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.expressions import read_expression
from llm_notebook.notebook.hints import is_known_elsewhere, option_hint
from llm_notebook.notebook.options import CONTEXTS, NAMING_OBJECTS, Arguments, is_context, option_actions
from llm_notebook.notebook.typed import begins_like_option, continued, long_option_in, plain_option, read_value

__all__ = ["parse_cell", "parse_line", "typed_text"]

_LOOKS = ("markdown", "code", "json", "text", "table")
_FORMS = ("list", "pandas", "polars", "json")


def parse_cell(line: str, cell: str) -> tuple[Arguments, str]:
    """Parse the options of a `%%llm` cell. Return (the options with the prompt on their line, the rest of the cell).

    A backslash at the end of a line continues it, as in a shell.

    Raises:
        CellError: as `parse_line()`, or there is a comment behind the options, or further options are below them.
    """
    line, rest = continued(line, cell)
    actions = option_actions()
    arguments = _parse(line, actions, is_cell=True)
    first = rest.lstrip().partition("\n")[0]
    if not re.search(r"(^|\s)--(\s|$)", line) and _seems_options(first, actions, begins=not arguments.prompt):
        raise CellError(
            f"{first.split()[0]} stands below the line of the options: put it on that line, or end that line with a backslash."
            " For a prompt that begins so, end that line with --. Nothing was sent."
        )
    return arguments, rest


def typed_text(arguments: Arguments, cell: str | None) -> str:
    """Return the prompt as it was typed: what stands on the line, and the text of the cell below it."""
    return "\n".join(part for part in (arguments.prompt, (cell or "").strip("\n")) if part.strip())


def _seems_options(line: str, actions: dict[str, argparse.Action], *, begins: bool) -> bool:
    """Return whether a line below the options is more of them: it consists of options, or begins the prompt with a long one."""
    if not begins_like_option(line):
        return False
    name = plain_option(line, actions).split(None, 1)[0].partition("=")[0]
    if begins and name.startswith("--") and name in actions:
        return True
    try:
        given, prompt = _split(line, actions)
    except CellError:
        return False
    return bool(given) and not prompt and (begins or name.startswith("--"))


def parse_line(line: str) -> Arguments:
    """Parse the options at the beginning of a line, and take the rest as the prompt.

    A prompt that is quoted as a whole is sent without its quotation marks and may be followed by more options, as in a shell.
    Otherwise everything from the first word that is no option belongs to the prompt, apostrophes and dashes included, except that
    a long option there is refused: nobody who types it means it as text. `--` ends the options.

    Args:
        line: what follows the name of the magic.

    Raises:
        CellError: an option is unknown (the message names the nearest one), incomplete, given twice, or stands in the prompt.
    """
    return _parse(line, option_actions())


def _parse(line: str, actions: dict[str, argparse.Action], *, is_cell: bool = False) -> Arguments:
    given, prompt = _split(line, actions, is_cell=is_cell)
    flags = {name for name, _ in given}
    last = {name: values[-1] for name, values in given if values}
    out, form = _variable(last.get("out"))
    return Arguments(
        model=last.get("model"),
        system=last.get("system"),
        options=_pairs("option", given),
        fragments=[values[0] for name, values in given if name == "fragment"],
        system_fragments=[values[0] for name, values in given if name == "system_fragment"],
        attachments=[
            (values[0], values[1] if name == "attachment_type" else None)
            for name, values in given
            if name in ("attachment", "attachment_type")
        ],
        context=_context(last.get("context")),
        max_size=_size(last.get("max_size")),
        key=Secret(last["key"]) if "key" in last else None,
        tools=[values[0] for name, values in given if name == "tool"],
        functions=last.get("functions"),
        show_calls="td" in flags,
        ask_always="ta" in flags,
        approve=[values[0] for name, values in given if name == "approve"],
        chain_limit=_count(last.get("chain_limit"), "--cl needs a number, 0 for no limit"),
        wait="wait" in flags,
        dry_run="dry_run" in flags,
        keeps="no_log" not in flags,
        conversation=last.get("cid"),
        continue_="continue_" in flags,
        new="new" in flags,
        usage="usage" in flags,
        hide_reasoning="hide_reasoning" in flags,
        stream="no_stream" not in flags,
        templates=[values[0] for name, values in given if name == "template"],
        params=_pairs("param", given),
        trust="trust" in flags,
        save=last.get("save"),
        extract="first" if "extract" in flags else "last" if "extract_last" in flags else "",
        json="json" in flags,
        new_cell="new_cell" in flags,
        schema=last.get("schema"),
        schema_multi=last.get("schema_multi"),
        retry_schema=_count(last.get("retry_schema"), "--retry-schema needs a number") or 0,
        shown_as=_choice("--as", last.get("shown_as"), _LOOKS),
        out=out,
        form=form,
        each=last.get("each"),
        limit_cost=_dollars(last.get("limit_cost")),
        sample=_rows("--sample", last.get("sample")),
        concurrency=_rows("--concurrency", last.get("concurrency")),
        resume="no_resume" not in flags,
        retry=_choice("--retry", last.get("retry"), ("failed",)),
        raw="raw" in flags,
        prompt=prompt,
    )


def _count(text: str | None, needs: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise CellError(f"{needs}, not {text!r}. Nothing was sent.")
    return int(text)


def _rows(option: str, text: str | None) -> int | None:
    number = _count(text, f"{option} needs a number of rows, such as 20")
    if number == 0:
        raise CellError(f"{option} needs a number of rows, such as 20, not 0. Nothing was sent.")
    return number


def _dollars(text: str | None) -> float | None:
    if text is None:
        return None
    plain = text.removeprefix("$").replace(",", "")
    if not re.fullmatch(r"\d*\.?\d+", plain, re.ASCII) or not float(plain):
        raise CellError(f"--limit-cost needs a number of US dollars, such as 2.00, not {text!r}. Nothing was sent.")
    return float(plain)


def _context(text: str | None) -> str | None:
    if text is None or is_context(text):
        return text
    raise CellError(
        f"--context takes above, all, none or a number of cells, not {text!r}.{nearest(text, CONTEXTS)} Nothing was sent."
    )


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    plain = text.replace(",", "").replace("_", "")
    if not plain.isascii() or not plain.isdigit() or not int(plain):
        raise CellError(f"--max-size needs a number of bytes, such as 100000, not {text!r}. Nothing was sent.")
    return int(plain)


def _pairs(kind: str, given: Given) -> dict[str, str]:
    """Return the values of an option that takes a name and a value, by the names."""
    pairs: dict[str, str] = {}
    for name, value in (values for one, values in given if one == kind):
        if name in pairs:
            raise CellError(f"{kind.capitalize()} {name} is given twice. Nothing was sent.")
        pairs[name] = value
    return pairs


def _variable(given: str | None) -> tuple[str | None, str]:
    """Split `NAME:FORM` into (the name of a variable, what it is to be)."""
    if given is None:
        return None, ""
    name, colon, form = given.partition(":")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CellError(f"--out needs the name of a variable, not {name!r}. Nothing was sent.")
    return name, _choice("--out NAME:FORM", form, _FORMS) if colon else ""


def _choice(option: str, given: str | None, known: tuple[str, ...]) -> str:
    if given is None or given in known:
        return given or ""
    one_of = f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else known[0]
    raise CellError(f"{option} takes {one_of}, not {given!r}.{nearest(given, known)} Nothing was sent.")


Given = list[tuple[str, list[str]]]
"""Options in the order in which they were given: (name of the attribute in argparse, values)."""


def _split(line: str, actions: dict[str, argparse.Action], *, is_cell: bool = False) -> tuple[Given, str]:
    """Split a line into (options, prompt)."""
    given: Given = []
    rest = line.strip()
    while begins_like_option(rest):
        option, rest = _option(plain_option(rest, actions), actions)
        given += option
    if not rest:
        return given, ""
    if re.match(r"--(\s|$)", rest):
        return given, rest[2:].lstrip()
    _refuse_comment(rest, follows=bool(given) or is_cell)
    text, behind = _quoted(rest)
    given_behind: Given = []
    while begins_like_option(behind) and _spelling(plain := plain_option(behind, actions), actions):
        option, behind = _option(plain, actions)
        given_behind += option
    if text is not None and not behind:
        return given + given_behind, text
    # What follows is no option, so the marks belong to the prompt: `"git" -z what is it`. But a slip like
    # `"2+2?" --usgae` is refused rather than sent, quotation marks and all.
    late = behind.split(None, 1)[0].partition("=")[0] if behind.startswith("--") else ""
    if late and (is_known_elsewhere(late) or nearest(late, actions, cutoff=0.75)):
        _option(behind, actions)
    _refuse_late_option(rest, actions)
    return given, rest


def _quoted(text: str) -> tuple[str | None, str]:
    """Split a prompt that is quoted, and perhaps has something with a dash behind it, into (what is in the marks, what is behind).

    There is no other such mark in the prompt that is not escaped. Typographic marks belong to a prompt that has nothing behind it.
    """
    found = re.fullmatch(
        r"""(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)(?:\s+(?P<behind>\S.*))?""", text, re.DOTALL
    )
    if found is not None:
        quote, behind = found["quote"], found["behind"] or ""
        is_whole = not behind or begins_like_option(behind)
        return (found["text"].replace(f"\\{quote}", quote), behind) if is_whole else (None, "")
    if text[:1] in "\"'":
        return None, ""
    try:
        word, behind = read_value(text)
    except ValueError:
        return None, ""
    is_quoted = word is not None and text.startswith(f"{text[:1]}{word}") and not text[:1].isascii()
    return (word, behind) if is_quoted and begins_like_option(behind) else (None, "")


def _refuse_comment(rest: str, *, follows: bool) -> None:
    """Refuse what seems to be a comment behind the options, or a backslash that does not end its line."""
    if follows and rest.startswith("#"):
        raise CellError(
            "What stands behind # would be sent to the model: there are no comments on this line."
            " Put -- before a prompt that begins with #. Nothing was sent."
        )
    if follows and re.match(r"\\\s", rest):
        raise CellError("A backslash continues a line only at its very end. Nothing was sent.")


def _refuse_late_option(prompt: str, actions: dict[str, argparse.Action]) -> None:
    """Refuse a long option in a prompt that is not quoted: it would be sent as text and have no effect."""
    late = long_option_in(prompt, actions)
    if late is not None:
        raise CellError(
            f"{late} stands in the prompt, where it has no effect. Put options before the prompt, or the whole prompt in quotes;"
            f" for a prompt about {late}, put -- before the prompt. Nothing was sent."
        )


def _spelling(text: str, actions: dict[str, argparse.Action]) -> str | None:
    """Return the spelling of the option that the text begins with, or None if it begins with none."""
    word = text.split(None, 1)[0]
    name = word.partition("=")[0]
    if name in actions:
        return name
    if word.startswith("--") or f"-{name}" in actions:
        return None
    # -mgpt-4o and -cu are read as shell commands read them.
    return word[:2] if word[:2] in actions else None


def _option(text: str, actions: dict[str, argparse.Action]) -> tuple[Given, str]:
    """Read the option that the text begins with. Return (the option with its values, the text after it).

    Raises:
        CellError: the option is unknown or incomplete.
    """
    word = text.split(None, 1)[0]
    name = _spelling(text, actions)
    if name is None:
        wrong = word.partition("=")[0]
        raise CellError(
            f"There is no option {wrong}.{option_hint(wrong, actions)} Put -- before a prompt that begins with a dash."
            " Nothing was sent."
        )
    action = actions[name]
    behind = text[len(name) :]
    if action.nargs == 0:
        if not behind or behind[0].isspace():
            return [(action.dest, [])], behind.lstrip()
        if name.startswith("--") or not behind[0].isalpha():
            raise CellError(f"{name} takes no value. Nothing was sent.")
        # Flags may share a dash: what follows is the next one.
        return [(action.dest, [])], f"-{behind}"
    count = action.nargs if isinstance(action.nargs, int) else 1
    values, rest = _values(behind.removeprefix("=").lstrip(), count, name, actions)
    return [(action.dest, values)], rest


def _values(text: str, count: int, name: str, actions: dict[str, argparse.Action]) -> tuple[list[str], str]:
    """Read `count` words by the rules of a shell. Return (the words, the text after them)."""
    values: list[str] = []
    while len(values) < count:
        expression = read_expression(text) if not values and actions[name].dest in NAMING_OBJECTS else None
        try:
            value, rest = expression or read_value(text)
        except ValueError:
            raise CellError(f"A quotation mark after {name} is never closed. Nothing was sent.") from None
        needs = f"{name} needs {'a value' if count == 1 else f'{count} values'}"
        if value is None:
            raise CellError(f"{needs}. Nothing was sent.")
        if (option := long_option_in(text[: len(text) - len(rest)], actions)) is not None:
            raise CellError(f"{needs}, and {option} is an option. Put it in quotes if it is meant. Nothing was sent.")
        values.append(value)
        text = rest
    return values, text
