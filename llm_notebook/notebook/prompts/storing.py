"""`--save NAME`: stores the prompt of a cell and its options as a template, in the form in which the `llm` command stores them too.

A template is used in other notebooks and in a terminal, where the variables of this one are not there. So it names files, addresses and
what loaders bring, and an object of this notebook is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import TemplateError
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.line.arguments import parse_line
from llm_notebook.notebook.line.data_options import read_wanted
from llm_notebook.notebook.prompts.given import ADDRESSES, files_named, names_value, no_such
from llm_notebook.parts.attachments import Attachment
from llm_notebook.plugins.own import get_fragment_loaders
from llm_notebook.templates.expressions import Expression, WrongExpression, split_expressions
from llm_notebook.templates.fragments import split_reference, unknown_prefix
from llm_notebook.templates.template import AttachmentType, Template, save_template
from llm_notebook.transcript.markdown.safe import safe_markdown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.notebook.line.options import Arguments

__all__ = ["save_as_template"]

_NOTHING = "Nothing was stored."
# Options that say something about one run, for which a template has no place, by their attributes.
_NOT_STORED: Mapping[str, str] = {
    "context": "--context",
    "max_size": "--max-size",
    "key": "--key",
    "show_calls": "--td",
    "ask_always": "--ta",
    "approve": "--approve",
    "chain_limit": "--cl",
    "wait": "--wait",
    "dry_run": "--dry-run",
    "keeps": "-n",
    "continue_": "-c",
    "conversation": "--cid",
    "new": "--new",
    "usage": "-u",
    "hide_reasoning": "-R",
    "stream": "--no-stream",
    "json": "--json",
    "new_cell": "--new-cell",
    "retry_schema": "--retry-schema",
    "shown_as": "--as",
    "out": "--out",
    "each": "--each",
}


def save_as_template(shell: InteractiveShell, arguments: Arguments, prompt: str, names: Mapping[str, Any]) -> None:
    """Store the options and the prompt of a cell as a template, and say so.

    Args:
        shell: the shell.
        arguments: the options of the cell, whose `save` is the name.
        prompt: the text of the cell, as it was typed.
        names: the variables of the notebook.

    Raises:
        CellError: it cannot be stored.
    """
    if arguments.templates:
        raise CellError(f"--save stores what stands in the cell, so it goes with no -t. {_NOTHING}")
    if not arguments.raw:
        for text in (prompt, arguments.system or ""):
            _refuse_expressions(text)
    template = _template(arguments, prompt, names)
    try:
        template.evaluate("", dict.fromkeys(template.vars(), ""))
        path = save_template(template)
    except TemplateError as error:
        raise CellError(f"{error} {_NOTHING}") from None
    name = template.name
    said = f"Stored as {path.name}: `%llm -t {name} …` uses it, and so does `llm -t {name}`. Nothing was sent."
    if left := _left_out(arguments):
        said += (
            f" A template has no place for {', '.join(f'`{option}`' for option in left)}: give that with `-t {name}`."
        )
    show_markdown(shell, safe_markdown(said), said)


def _template(arguments: Arguments, prompt: str, names: Mapping[str, Any]) -> Template:
    """Return a cell as a template. An attribute without a value is None."""
    wanted = read_wanted(arguments, names)
    words = _Words(names)
    words.read(arguments)
    return Template(
        name=str(arguments.save),
        model=arguments.model,
        prompt=prompt or None,
        system=arguments.system,
        options={key: _typed(value) for key, value in arguments.options.items()} or None,
        defaults=dict(arguments.params) or None,
        schema_object=wanted.schema,
        fragments=words.fragments or None,
        system_fragments=words.system_fragments or None,
        attachments=words.attachments or None,
        attachment_types=words.attachment_types or None,
        tools=arguments.tools or None,
        functions=arguments.functions,
        extract=True if arguments.extract == "first" else None,
        extract_last=True if arguments.extract == "last" else None,
    )


def _refuse_expressions(text: str) -> None:
    """Refuse double braces, which a template would send as they are."""
    try:
        found = next((piece for piece in split_expressions(text) if isinstance(piece, Expression)), None)
    except WrongExpression:
        return
    if found is not None:
        raise CellError(
            f"{found.shown} is a value of this notebook, which a template does not hold: write $input or another $name in its"
            f" place, and give the value where the template is used. {_NOTHING}"
        )


def _left_out(arguments: Arguments) -> list[str]:
    """Return the options of a cell for which a template has no place."""
    plain = parse_line("")
    return [option for name, option in _NOT_STORED.items() if getattr(arguments, name) != getattr(plain, name)]


@dataclass(slots=True)
class _Words:
    """What stands behind `-f`, `--sf`, `-a` and `--at`, as a template names it.

    Attributes:
        names: the variables of the notebook.
        fragments, system_fragments, attachments, attachment_types: the fields of the template.
    """

    names: Mapping[str, Any]
    fragments: list[str] = field(default_factory=list)
    system_fragments: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    attachment_types: list[AttachmentType] = field(default_factory=list)

    def read(self, arguments: Arguments) -> None:
        """Read the options of a cell.

        Raises:
            CellError: a word names an object of the notebook, or nothing at all.
        """
        for word in arguments.fragments:
            for named in self._named(word, "-f"):
                is_picture = isinstance(named, Path) and _is_picture(named, word, "-f")
                (self.attachments if is_picture else self.fragments).append(str(named))
        for word in arguments.system_fragments:
            for named in self._named(word, "--sf"):
                if isinstance(named, Path) and _is_picture(named, word, "--sf"):
                    raise CellError(
                        f"--sf {word} is a picture, and only text can go into the system prompt. {_NOTHING}"
                    )
                self.system_fragments.append(str(named))
        for word, kind in arguments.attachments:
            self._read_attachment(word, kind)

    def _read_attachment(self, word: str, kind: str | None) -> None:
        option = "-a" if kind is None else "--at"
        for named in self._named(word, option):
            is_file = isinstance(named, Path) or named.lower().startswith(ADDRESSES)
            if kind is not None:
                if not is_file or "/" not in kind:
                    what = (
                        f"{kind!r} is no MIME type such as image/png"
                        if is_file
                        else "only a file or address has a type"
                    )
                    raise CellError(f"--at {word} {kind}: {what}. {_NOTHING}")
                self.attachment_types.append(AttachmentType(type=kind, value=str(named)))
            elif not is_file:
                # What a loader brings is a fragment for both programs, be it text or a picture.
                self.fragments.append(str(named))
            else:
                if isinstance(named, Path) and Attachment(path=named).known_type() is None:
                    raise CellError(
                        f"-a {word}: its type cannot be told. Give it with `--at {word} TYPE`, such as image/png. {_NOTHING}"
                    )
                self.attachments.append(str(named))

    def _named(self, word: str, option: str) -> Iterator[Path | str]:
        """Yield what a word names, in the order in which a prompt would read it: files, or an address or a loader's reference.

        Paths become absolute, since a template is also used from other folders, and a pattern becomes its files.
        """
        files = files_named(word)
        if names_value(word, self.names) or word == "-":
            what = "the last figure" if word == "-" else "an object of this notebook"
            file = f" `./{word}` names the file of that name." if files and word != "-" else ""
            raise CellError(
                f"{option} {word} is {what}, and a template holds only files, addresses and prefix:argument.{file} {_NOTHING}"
            )
        if files:
            yield from (_absolute(path) for path in files)
            return
        if not word.lower().startswith(ADDRESSES):
            halves, loaders = split_reference(word), get_fragment_loaders()
            if halves is None:
                raise CellError(no_such(word, option, self.names).replace("Nothing was sent.", _NOTHING))
            if halves[0] not in loaders:
                raise CellError(f"{option} {word}: {unknown_prefix(word, 'fragment', loaders)} {_NOTHING}")
        yield word


def _absolute(path: Path) -> Path:
    if path.is_dir():
        raise CellError(f"{path} is a folder: give its files, as in {path}/*. {_NOTHING}")
    return Path(os.path.abspath(path))


def _is_picture(path: Path, word: str, option: str) -> bool:
    """Return whether a file is a picture and not text.

    Raises:
        CellError: it is neither, or cannot be read.
    """
    try:
        if (Attachment(path=path).known_type() or "").startswith("image/"):
            return True
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CellError(f"{option} {word} is neither text nor a picture: attach it with -a. {_NOTHING}") from None
    except OSError as error:
        raise CellError(f"{option} {word} cannot be read ({error.strerror}). {_NOTHING}") from None
    return False


def _typed(text: str) -> Any:
    """Return the number or boolean that a typed option spells, so that a stored template has values and not texts."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
