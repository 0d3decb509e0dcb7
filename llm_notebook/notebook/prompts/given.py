"""What `-f`, `--sf`, `-a` and `--at` add to a prompt: Python objects, files, addresses, what a loader loads, or the last figure.

The following meanings of a word are tried in this order, and the first that fits counts: a Python name or expression of the notebook, a path
or a pattern of paths, an address, `prefix:argument` of a fragment loader, and `-`.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import FragmentNotFound, ModelError
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.line.expressions import compiled_expression
from llm_notebook.notebook.prompts.known_secrets import LazyScrubber, scrubbed_value
from llm_notebook.objects.described import MOST_BYTES, Described
from llm_notebook.objects.html_text import html_text
from llm_notebook.objects.table import describe
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.sent import Sent
from llm_notebook.plugins.own import get_fragment_loaders
from llm_notebook.templates.fragments import resolve_fragments, split_reference, unknown_prefix

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments

__all__ = ["ADDRESSES", "Given", "fetched", "files_named", "names_value", "no_such", "read_given"]

ADDRESSES = ("http://", "https://")
"""How an address begins."""

_MOST_FILES = 100
# Variables that the user has not defined.
_OF_IPYTHON = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})


@dataclass(slots=True)
class Given:
    """The values and files that are sent with a prompt.

    Attributes:
        fragments, system_fragments, attachments: described objects, for the prompt.
        inside: the objects that the `{{ expressions }}` of the prompt became, as far as the reader is told about them.
        remarks: our own sentences about it, for the record.
        told: what the record says about anything else that is sent, such as cells of the notebook.
        secrets: takes secrets out of it.
    """

    fragments: list[Described] = field(default_factory=list)
    system_fragments: list[Described] = field(default_factory=list)
    attachments: list[Described] = field(default_factory=list)
    inside: list[Described] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    told: list[Sent] = field(default_factory=list)
    secrets: LazyScrubber = field(default_factory=lambda: LazyScrubber({}))

    def for_prompt(self, beside: Mapping[str, Sequence[object]]) -> dict[str, Any]:
        """Return it as arguments of `prompt()`. Arguments without a value are None.

        Args:
            beside: what comes before it, such as what templates name, under the same argument names.
        """
        inside = [replace(found, text="") for found in self.inside]
        own = {
            "fragments": self.fragments,
            "system_fragments": self.system_fragments,
            "attachments": [*self.attachments, *inside],
        }
        return {name: [*beside.get(name, ()), *found] or None for name, found in own.items()}

    def digest(self) -> list[list[str]]:
        """Return a list that is equal only if the same would be sent again: a changed frame makes a new question."""
        groups = (self.fragments, self.system_fragments, self.attachments, self.inside)
        return [[part for found in group for part in _digest(found)] for group in groups]


def _digest(found: Described) -> Iterable[str]:
    yield hashlib.sha256(found.text.encode("utf-8", "backslashreplace")).hexdigest()
    for attachment in found.attachments:
        yield f"{attachment.type} {attachment.id()}"


def read_given(arguments: Arguments, names: Mapping[str, Any], last_figure: Callable[[], object | None]) -> Given:
    """Read what the options of a line add to its prompt. Expressions are evaluated, files read, and addresses of fragments fetched.

    Args:
        arguments: the options.
        names: the variables that expressions see.
        last_figure: returns what `-` means.

    Raises:
        CellError: something cannot be read or fetched; the message says what.
    """
    given = Given(secrets=LazyScrubber(names))
    reader = _Reader(names, arguments.max_size, last_figure, given.remarks, given.secrets)
    for word in arguments.fragments:
        given.fragments += reader.read(word, "-f")
    for word in arguments.system_fragments:
        for found in reader.read(word, "--sf"):
            if found.attachments:
                raise CellError(
                    f"--sf {word} is a picture or another file, and only text can go into the system prompt: give it with -a."
                    " Nothing was sent."
                )
            given.system_fragments.append(found)
    for word, kind in arguments.attachments:
        given.attachments += reader.read(word, "-a" if kind is None else "--at", kind)
    return given


@dataclass(slots=True)
class _Reader:
    """Reads the words after `-f` and `-a`.

    Attributes:
        names: the variables that expressions see.
        max_size: how many bytes the text of each object may have; None for the usual size.
        last_figure: returns what `-` means.
        remarks: collects what the reader of the record is told.
        secrets: takes secrets out of texts.
    """

    names: Mapping[str, Any]
    max_size: int | None
    last_figure: Callable[[], object | None]
    remarks: list[str]
    secrets: LazyScrubber

    def read(self, word: str, option: str, kind: str | None = None) -> list[Described]:
        """Return the value of a word.

        Args:
            word: the word.
            option: the option before it.
            kind: the MIME type that the user has given it.

        Raises:
            CellError: it stands for nothing.
        """
        try:
            if kind is not None and "/" not in kind:
                raise CellError(f"--at {word} {kind}: {kind!r} is no MIME type such as image/png. Nothing was sent.")
            found = self._read(word, option)
            if kind is not None:
                return [_of_type(each, kind) for each in found]
            if any(attachment.known_type() is None for each in found for attachment in each.attachments):
                raise CellError(
                    f"{option} {word}: its type cannot be told. Give it with `--at {word} TYPE`, such as image/png."
                    " Nothing was sent."
                )
            return found
        except CellError:
            raise
        except KeyboardInterrupt:
            raise CellError(f"Stopped by you while {word} was read. Nothing was sent.") from None
        except (ModelError, OSError, ValueError, TypeError) as error:
            raise CellError(f"{option} {word}: {str(error).removesuffix('.')}. Nothing was sent.") from None

    def _read(self, word: str, option: str) -> list[Described]:
        as_picture = option in ("-a", "--at")
        code = compiled_expression(word, self.names)
        if code is not None:
            try:
                value = eval(code, dict(self.names))
            except Exception as error:
                # What looks like an attribute may be a file's extension.
                if files := files_named(word):
                    return [self._file(path, as_picture=as_picture) for path in files]
                message = f": {error}" if str(error) else ""
                raise CellError(
                    f"{option} {word} failed with {type(error).__name__}{message}. Nothing was sent."
                ) from None
            self._say_what_lost(word)
            return self._value(value, word, option)
        if files := files_named(word):
            return [self._file(path, as_picture=as_picture) for path in files]
        if word.lower().startswith(ADDRESSES):
            return [self._address(word, as_picture=as_picture)]
        if word == "-":
            return [self._last_figure(option)]
        return self._loaded(word, option)

    def _value(self, value: object, word: str, option: str) -> list[Described]:
        if isinstance(value, GeneratorType | CoroutineType):
            raise CellError(
                f"{option} {word} is a {type(value).__name__}, not a value that a model can read. Nothing was sent."
            )
        as_picture = option in ("-a", "--at")
        if as_picture and isinstance(value, list | tuple) and value and all(map(_names_file, value)):
            return [replace(each, name=word) for item in value for each in self._value(item, str(item), option)]
        if isinstance(value, Path):
            if not (files := files_named(str(value))):
                raise CellError(f"{option} {word}: there is no file {value}. Nothing was sent.")
            return [self._file(path, as_picture=as_picture) for path in files]
        if as_picture and isinstance(value, str):
            if value.lower().startswith(ADDRESSES):
                return [self._address(value, as_picture=True)]
            if _names_file(value):
                return [self._file(Path(value).expanduser(), as_picture=True)]
        if isinstance(value, str):
            value = scrubbed_value(value, word, self.secrets)
        found = self._described(value, word, as_picture=as_picture)
        return [replace(found, attachments=tuple(attachment.settled() for attachment in found.attachments))]

    def _say_what_lost(self, word: str) -> None:
        with suppress(OSError, ValueError):
            if Path(word).exists():
                self.remarks.append(
                    f"`{word}` is the variable; the file of that name was not sent. `./{word}` names the file."
                )

    def _file(self, path: Path, *, as_picture: bool) -> Described:
        if path.is_dir():
            raise CellError(f"{path} is a folder: give its files, as in {path}/*. Nothing was sent.")
        if as_picture:
            attachment = Attachment(path=path).settled()
            kind = attachment.known_type() or "file"
            size = path.stat().st_size
            return Described(f"{kind}, {size:,} bytes", "", (attachment,), name=str(path))
        return self._described(path.read_bytes(), str(path))

    def _address(self, url: str, *, as_picture: bool) -> Described:
        if as_picture:
            attachment = Attachment(url=url).settled(by_user=True)
            return Described(attachment.known_type() or "file", "", (attachment,), name=url)
        content, is_page = fetched(url)
        found = self._described(content, url)
        return replace(found, kind=f"{found.kind}, from a page") if is_page else found

    def _last_figure(self, option: str) -> Described:
        if option not in ("-a", "--at"):
            raise CellError(f"{option} - names nothing: - is the last figure, for -a. Nothing was sent.")
        figure = self.last_figure()
        if figure is None:
            raise CellError(f"{option} -: no figure has been shown yet. Nothing was sent.")
        return replace(self._described(figure, "last figure", as_picture=True), name="last figure")

    def _loaded(self, word: str, option: str) -> list[Described]:
        halves = split_reference(word)
        loaders = get_fragment_loaders() if halves is not None else {}
        if halves is None or halves[0] not in loaders:
            if halves is not None:
                raise FragmentNotFound(unknown_prefix(word, "fragment", loaders))
            raise CellError(no_such(word, option, self.names))
        found = resolve_fragments([word], loaders)
        return [self._described(part, getattr(part, "source", "") or word) for part in found]

    def _described(self, value: object, name: str, *, as_picture: bool = False) -> Described:
        most, scrubber = self.max_size or MOST_BYTES, self.secrets(name)
        return describe(value, name=name, max_size=most, as_picture=as_picture, scrubber=scrubber)


def fetched(url: str) -> tuple[str | bytes, bool]:
    """Return (the content of an address, as text if it is text; whether it is the text of a page).

    Raises:
        OSError, ModelError, ValueError: it cannot be fetched.
    """
    from llm_notebook.providers.http.documents.fetching import Web  # loads httpx

    content, kind = process.of(Web).fetch(url, by_user=True)
    if kind in ("text/html", "application/xhtml+xml"):
        return html_text(content.decode(errors="replace")), True
    return (content.decode(errors="replace") if kind.startswith("text/") else content), False


def names_value(word: str, names: Mapping[str, Any]) -> bool:
    """Return whether a word is a variable or an expression with a value. It is evaluated for that.

    Args:
        word: the word.
        names: the variables that expressions see.
    """
    code = compiled_expression(word, names)
    if code is None:
        return False
    try:
        eval(code, dict(names))
    except Exception:
        # What looks like an attribute may be a file's extension.
        return not files_named(word)
    return True


def no_such(word: str, option: str, names: Mapping[str, Any]) -> str:
    """Return the sentence that says that a word after an option names nothing.

    Args:
        word, option: what was typed.
        names: the variables of the notebook.
    """
    known = [name for name in names if not name.startswith("_") and name not in _OF_IPYTHON]
    close = nearest(re.split(r"[.(\[]", word)[0], known)
    return f"{option} {word}: there is no variable, file or address of that name.{close} Nothing was sent."


def files_named(word: str) -> list[Path]:
    """Return the files that a path or a pattern names, sorted; none if it names none.

    Raises:
        CellError: there are too many of them.
    """
    try:
        path = Path(word).expanduser()
        if path.exists():
            return [path]
        found = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(word) else []
    except (OSError, ValueError, RuntimeError):
        return []
    files = [path for path in map(Path, found) if not path.is_dir()]
    if len(files) > _MOST_FILES:
        raise CellError(
            f"{word} names {len(files):,} files, and at most {_MOST_FILES} go with a prompt: narrow it. Nothing was sent."
        )
    return files


def _names_file(value: object) -> bool:
    """Return whether a value is the path of an existing file."""
    with suppress(OSError, ValueError, RuntimeError):
        return isinstance(value, str | Path) and len(str(value)) < 4096 and Path(value).expanduser().is_file()
    return False


def _of_type(found: Described, kind: str) -> Described:
    """Return the object as a file of the type that the user names."""
    files = found.attachments or (Attachment(content=found.text.encode()),)
    attachments = tuple(replace(attachment, type=kind) for attachment in files)
    return replace(found, kind=kind, text="", attachments=attachments)
