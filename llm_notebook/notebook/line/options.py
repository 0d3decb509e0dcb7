"""The options of `%llm` and `%%llm`: how each is spelled, what the manual says of it, and the values that a parsed line has.

`arguments` parses a line by them.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from IPython.core.magic_arguments import MagicArgumentParser, argument, magic_arguments

from llm_notebook.notebook.commands.manuals import whole_manual

__all__ = ["CONTEXTS", "NAMING_OBJECTS", "Arguments", "documented", "is_context", "option_actions", "option_kinds"]

NAMING_OBJECTS = frozenset({"fragment", "system_fragment", "attachment", "attachment_type", "each"})
"""The options whose first value may be a Python expression with quotation marks and spaces of its own."""

CONTEXTS = ("above", "all", "none")
"""The words that say which cells go with a prompt. A number does so too."""

Magic = TypeVar("Magic", bound=Callable[..., object])


class _Option(argument):
    """An option with values that can be completed.

    Args:
        names: how it is spelled.
        kinds: what each of its values is, for the completion: a kind that `completion.candidates` knows, words between bars such as
            `code|text`, or empty for free text.
        declared: what argparse takes.
    """

    def __init__(self, *names: str, kinds: tuple[str, ...], **declared: Any) -> None:
        super().__init__(*names, **declared)
        self.kinds = kinds


_OPTIONS = [
    _Option("-m", "--model", kinds=("model",), metavar="ID", help="Model id or alias; `%%llm models` lists them."),
    argument("-s", "--system", metavar="TEXT", help="System prompt."),
    _Option(
        "-o",
        "--option",
        kinds=("model-option", "model-option-value"),
        nargs=2,
        action="append",
        default=[],
        metavar=("KEY", "VALUE"),
        help="A model option; repeatable.",
    ),
    _Option(
        "-f",
        "--fragment",
        kinds=("fragment",),
        action="append",
        default=[],
        metavar="X",
        help="Put this before the prompt: a variable, expression, file, pattern, URL or prefix:argument; repeatable.",
    ),
    _Option(
        "--sf",
        "--system-fragment",
        kinds=("fragment",),
        dest="system_fragment",
        action="append",
        default=[],
        metavar="X",
        help="The same before the system prompt; repeatable.",
    ),
    _Option(
        "-a",
        "--attachment",
        kinds=("attachment",),
        action="append",
        default=[],
        metavar="X",
        help="Attach a figure, an image, another variable, a file, pattern or URL; - is the last figure; repeatable.",
    ),
    _Option(
        "--at",
        "--attachment-type",
        kinds=("attachment", "mime"),
        dest="attachment_type",
        nargs=2,
        action="append",
        default=[],
        metavar=("X", "MIME"),
        help="Attach this with a MIME type; repeatable.",
    ),
    _Option(
        "--context",
        kinds=("above|all|none",),
        metavar="WHICH",
        help="Send cells of the notebook with their outputs: above, all, the N directly above, or none.",
    ),
    argument("--max-size", metavar="N", help="How many bytes the text of each object has at most; 20,000 by default."),
    _Option("--key", kinds=("key",), metavar="K", help="API key, or the name of a stored one."),
    _Option(
        "-T",
        "--tool",
        kinds=("tool",),
        action="append",
        default=[],
        metavar="X",
        help="A function, Tool or Toolbox of yours, or a plugin's tool; repeatable.",
    ),
    argument("--functions", metavar="CODE", help="Python code; the functions that it defines are tools."),
    argument("--td", action="store_true", help="Show tool calls unfolded."),
    argument("--ta", action="store_true", help="Ask before every tool call."),
    _Option(
        "--approve",
        kinds=("tool",),
        action="append",
        default=[],
        metavar="X",
        help="Ask before calls of this tool; repeatable.",
    ),
    _Option(
        "--cl",
        "--chain-limit",
        kinds=("number",),
        dest="chain_limit",
        metavar="N",
        help="Most answers in a row; 0 for no limit.",
    ),
    argument("--wait", action="store_true", help="Ask by keyboard instead of buttons."),
    argument("--dry-run", action="store_true", help="Show exactly what would be sent, and send nothing."),
    argument("-n", "--no-log", action="store_true", help="Keep nothing of this in the journal."),
    argument("-c", "--continue", dest="continue_", action="store_true", help="Continue the notebook's conversation."),
    _Option(
        "--cid", kinds=("turn",), metavar="ID", help="Continue this conversation or turn; `%%llm history` lists them."
    ),
    argument("--new", action="store_true", help="Begin a new conversation; ask again although the cell waits."),
    argument("-u", "--usage", action="store_true", help="Show tokens, time and cost under the answer."),
    argument("-R", "--hide-reasoning", action="store_true", help="Do not show what the model thought."),
    argument("--no-stream", action="store_true", help="Show the answer when it is complete."),
    _Option(
        "-t",
        "--template",
        kinds=("template",),
        action="append",
        default=[],
        metavar="NAME",
        help="Use this template; repeatable.",
    ),
    _Option(
        "-p",
        "--param",
        kinds=("parameter", ""),
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="A variable of the template; repeatable.",
    ),
    argument(
        "--trust",
        action="store_true",
        help="Use the Python functions, tools made by code and files that the template brings.",
    ),
    _Option("--save", kinds=("template",), metavar="NAME", help="Store this cell as a template, and send nothing."),
    _Option(
        "--each",
        kinds=("rows",),
        metavar="X",
        help="Ask the prompt for each row of a frame or list; `{{ column }}` comes from the row, and `-a` names a column.",
    ),
    _Option(
        "--limit-cost",
        kinds=("number",),
        dest="limit_cost",
        metavar="USD",
        help="What `--each` may cost: refused before, or stopped there.",
    ),
    _Option("--sample", kinds=("number",), metavar="N", help="Ask only N of the rows first, and show them."),
    _Option("--concurrency", kinds=("number",), metavar="N", help="How many rows are asked at once; 16 by default."),
    argument("--no-resume", dest="no_resume", action="store_true", help="Ask rows again that were answered before."),
    _Option(
        "--retry",
        kinds=("failed",),
        metavar="failed",
        help="Ask rows again that have failed for good, such as those whose answers did not fit.",
    ),
    _Option(
        "--schema",
        kinds=("schema",),
        metavar="X",
        help="Answer as an object: `name, age int`, a class, a dict or a .json file.",
    ),
    _Option("--schema-multi", kinds=("schema",), metavar="X", help="Answer as rows, each of this schema."),
    _Option(
        "--retry-schema",
        kinds=("number",),
        metavar="N",
        help="Tell the model at most N times what does not fit, and ask again.",
    ),
    argument("-x", "--extract", action="store_true", help="Take the first block of code out of the answer."),
    argument("--xl", "--extract-last", dest="extract_last", action="store_true", help="Take the last block of code."),
    argument("--json", action="store_true", help="Show the response as the provider sent it, as JSON."),
    argument(
        "--new-cell", action="store_true", help="Put the first block of code into a new cell below; it is not run."
    ),
    _Option(
        "--as",
        kinds=("markdown|code|json|text|table",),
        dest="shown_as",
        metavar="HOW",
        help="Show the answer as markdown, code, json, text or table.",
    ),
    _Option(
        "--out",
        kinds=("new-variable",),
        metavar="NAME",
        help="Assign the answer: text, object, DataFrame or picture; `NAME:list`, `:pandas`, `:polars` or `:json` says which.",
    ),
    argument(
        "--raw", action="store_true", help="Send double braces as they are instead of evaluating {{ expression }}."
    ),
    argument("prompt", nargs="*", help="The prompt; in a %%%%llm cell the text of the cell follows it."),
]


def is_context(text: str) -> bool:
    """Return whether a text says which cells go with a prompt."""
    return text in CONTEXTS or (text.isascii() and text.isdigit() and len(text) < 10)


def documented(function: Magic) -> Magic:
    """Decorate a magic with the options, so that `%llm?` shows the manual."""
    # Decorators apply from the bottom up, so the options are added from last to first.
    for option in reversed(_OPTIONS):
        function = option(function)
    decorated: Magic = magic_arguments("llm")(function)
    # IPython's own manual says each option twice, and none of the subcommands.
    decorated.__doc__ = whole_manual(dict.fromkeys(option_actions().values()))
    return decorated


@functools.cache
def option_actions() -> Mapping[str, argparse.Action]:
    """Return the option that each spelling means, such as that of `-m` and of `--model`."""
    parser = MagicArgumentParser(add_help=False)
    for option in _OPTIONS:
        option.add_to_parser(parser, None)
    return MappingProxyType({name: action for action in parser._actions for name in action.option_strings})


def option_kinds() -> dict[str, tuple[str, ...]]:
    """Return the kinds of the values that each spelling of an option takes."""
    return {name: option.kinds for option in _OPTIONS if isinstance(option, _Option) for name in option.args}


@dataclass(slots=True)
class Arguments:
    """A parsed line. An option that was not given is None, empty or False.

    Attributes:
        model: `-m`, an id or alias.
        system: `-s`, the system prompt.
        options: `-o`, the model's options by name, as they were typed.
        fragments, system_fragments: `-f` and `--sf`, as they were typed.
        attachments: `-a` and `--at`, as they were typed, with the MIME types of `--at`.
        context: `--context`: above, all, a number or none; None for what `%config LLMMagics.context` says.
        max_size: `--max-size`, in bytes; None for the usual size.
        key: `--key`, a key or the name of a stored one.
        tools: `-T`, names of tools, or expressions that make a Toolbox.
        functions: `--functions`, Python code.
        show_calls: `--td`.
        ask_always: `--ta`.
        approve: `--approve`, names of tools whose calls are asked about.
        chain_limit: `--cl`, the most answers in a row; 0 for no limit.
        wait: `--wait`.
        dry_run: `--dry-run`.
        keeps: False with `-n`.
        continue_: `-c`.
        conversation: `--cid`, the id of a conversation or turn, or a part of it.
        new: `--new`.
        usage: `-u`.
        hide_reasoning: `-R`.
        stream: False with `--no-stream`.
        templates: `-t`, names of templates.
        params: `-p`, values of their variables.
        trust: `--trust`.
        save: `--save`, the name of a template to store.
        extract: "first" with `-x`, "last" with `--xl`, else empty.
        json: `--json`.
        new_cell: `--new-cell`.
        schema, schema_multi: `--schema` and `--schema-multi`, as they were typed.
        retry_schema: `--retry-schema`, how often the model is told what does not fit.
        shown_as: `--as`; empty for what suits the answer.
        out: `--out`, the name of a variable.
        form: what follows the name after a colon: list, pandas, polars or json.
        each: `--each`, as it was typed; None for a single prompt.
        limit_cost: `--limit-cost`, in US dollars; None for what the notebook's configuration says.
        sample, concurrency: `--sample` and `--concurrency`, in rows; None for all, and for the usual number.
        resume: False with `--no-resume`.
        retry: `--retry`: which failed rows are asked again; empty for those that may have failed by chance.
        raw: `--raw`.
        prompt: the rest of the line, untouched.
    """

    model: str | None
    system: str | None
    options: dict[str, str]
    fragments: list[str]
    system_fragments: list[str]
    attachments: list[tuple[str, str | None]]
    context: str | None
    max_size: int | None
    key: str | None
    tools: list[str]
    functions: str | None
    show_calls: bool
    ask_always: bool
    approve: list[str]
    chain_limit: int | None
    wait: bool
    dry_run: bool
    keeps: bool
    continue_: bool
    conversation: str | None
    new: bool
    usage: bool
    hide_reasoning: bool
    stream: bool
    templates: list[str]
    params: dict[str, str]
    trust: bool
    save: str | None
    extract: str
    json: bool
    new_cell: bool
    schema: str | None
    schema_multi: str | None
    retry_schema: int
    shown_as: str
    out: str | None
    form: str
    each: str | None
    limit_cost: float | None
    sample: int | None
    concurrency: int | None
    resume: bool
    retry: str
    raw: bool
    prompt: str
