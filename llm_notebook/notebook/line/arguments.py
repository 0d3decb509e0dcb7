"""Parses the line of `%llm` and `%%llm`: options first, then the prompt exactly as it was typed.

argparse declares the options and writes their manual, but it does not parse the line. It would split the prompt into words by the
rules of a shell, and a prompt is prose: it has apostrophes that are no quotation marks, dashes that are no options, and spaces that
matter. So the line is read from the left, one option at a time, and what is left when no option follows is the prompt.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Set
from typing import TypedDict

from llm_notebook.configuration.keys import Secret
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.line.options import CONTEXTS, Arguments, is_context, option_actions
from llm_notebook.notebook.line.typed import Given, continued, seems_options, split_line

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
    given, prompt = split_line(line, actions, is_cell=True)
    first = rest.lstrip().partition("\n")[0]
    if not re.search(r"(^|\s)--(\s|$)", line) and seems_options(first, actions, begins=not prompt):
        raise CellError(
            f"{first.split()[0]} stands below the line of the options: put it on that line, or end that line with a backslash."
            " For a prompt that begins so, end that line with --. Nothing was sent."
        )
    return _read(given, prompt), rest


def typed_text(arguments: Arguments, cell: str | None) -> str:
    """Return the prompt as it was typed: what stands on the line, and the text of the cell below it."""
    return "\n".join(part for part in (arguments.prompt, (cell or "").strip("\n")) if part.strip())


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
    return _read(*split_line(line, option_actions()))


def _read(given: Given, prompt: str) -> Arguments:
    """Return what the options of a line say."""
    flags = {name for name, _ in given}
    last = {name: values[-1] for name, values in given if values}
    out, form = _variable(last.get("out"))
    return Arguments(
        model=last.get("model"),
        system=last.get("system"),
        options=_pairs("option", given),
        fragments=[values[0] for name, values in given if name == "fragment"],
        system_fragments=[values[0] for name, values in given if name == "system_fragment"],
        attachments=_attachments(given),
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
        **_row_options(last, flags),
        raw="raw" in flags,
        prompt=prompt,
    )


class _RowOptions(TypedDict):
    """The options of a prompt for every row of a table."""

    each: str | None
    limit_cost: float | None
    sample: int | None
    concurrency: int | None
    resume: bool
    retry: str


def _row_options(last: Mapping[str, str], flags: Set[str]) -> _RowOptions:
    return {
        "each": last.get("each"),
        "limit_cost": _dollars(last.get("limit_cost")),
        "sample": _rows("--sample", last.get("sample")),
        "concurrency": _rows("--concurrency", last.get("concurrency")),
        "resume": "no_resume" not in flags,
        "retry": _choice("--retry", last.get("retry"), ("failed",)),
    }


def _attachments(given: Given) -> list[tuple[str, str | None]]:
    """Return what is attached, in the order in which it was typed, each with its MIME type if that was typed too."""
    return [
        (values[0], values[1] if name == "attachment_type" else None)
        for name, values in given
        if name in ("attachment", "attachment_type")
    ]


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


# Without these, no magic works any more, or the outputs of cells can no longer be looked up.
_OF_IPYTHON = frozenset({"get_ipython", "In", "Out"})


def _variable(given: str | None) -> tuple[str | None, str]:
    """Split `NAME:FORM` into (the name of a variable, what it is to be)."""
    if given is None:
        return None, ""
    name, colon, form = given.partition(":")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CellError(f"--out needs the name of a variable, not {name!r}. Nothing was sent.")
    if name in _OF_IPYTHON:
        raise CellError(f"IPython needs {name} for itself: --out takes another name. Nothing was sent.")
    return name, _choice("--out NAME:FORM", form, _FORMS) if colon else ""


def _choice(option: str, given: str | None, known: tuple[str, ...]) -> str:
    if given is None or given in known:
        return given or ""
    one_of = f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else known[0]
    raise CellError(f"{option} takes {one_of}, not {given!r}.{nearest(given, known)} Nothing was sent.")
