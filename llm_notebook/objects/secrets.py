"""Keeping secrets out of what a model is sent: one list for context, errors and objects.

The notebook's objects, cells and errors are all text by the time they are sent, so secrets are found in text, in three ways:

- by their value: stored keys, and the values of environment variables and notebook variables with names such as `API_KEY`;
- by the name before them in code, JSON, tables of settings and addresses: `password = "…"`, `"token": "…"`, `?api_key=…`;
- by their form: private keys (PEM), JSON Web Tokens, the tokens of well-known services, and the user in an address.

Each becomes `[removed]`, so a model can still tell that something was there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from llm_notebook.configuration.keys import Secret
from llm_notebook.configuration.scrubbing import Secrets, spellings
from llm_notebook.objects.offered import class_name
from llm_notebook.objects.secret_forms import FORMS, PAIRS, USER_OPTION, USERS
from llm_notebook.objects.secret_names import REMOVED, is_named_so, is_secret_name, is_telling_name
from llm_notebook.objects.secret_spans import Span
from llm_notebook.objects.secrets_after_names import (
    DESCRIPTIONS,
    QUOTED,
    is_value,
    names_secrets,
    values_after_names,
    words_in,
)
from llm_notebook.objects.secrets_in_code import literals_in_code
from llm_notebook.objects.secrets_in_tables import cells_in_tables

__all__ = ["REMOVED", "Removal", "Scrubber", "is_code_file", "known_secrets"]

# In the environment, these hold folders: every shell puts them there.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_SHORTEST = 6
# What has this many characters, and not only letters, is found again in other texts.
_RECOGNIZABLE = 8
_DEEPEST, _MOST_ENTRIES, _LONGEST_VALUE = 4, 1_000, 10_000
# How many values of variables are looked at in all: a large table of plain dicts must not hold up a prompt.
_MOST_LOOKED_AT = 20_000
# A notebook shows the first and the last rows of a frame.
_MOST_ROWS = 30
_FRAMES = frozenset({"pandas.DataFrame", "polars.DataFrame"})

# The keys under which a dict holds a name, and under which the value that belongs to it.
_NAMES = ("name", "key", "variable", "field", "header", "setting", "Name", "Key")
_VALUES = frozenset({"value", "val", "content", "default", "Value"})
# Keys that only a JSON Schema has: under the name of a secret it describes one.
_OF_SCHEMAS = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum"})
# How code and commands are recognized that give a user and a password.
_GIVEN_TO = ("auth", "login")
_GIVEN = re.compile(r"""auth\s{0,5}=\s{0,5}[(\[]|BasicAuth\(|\.login\(""")
_USER_OPTIONS = (" -u", " --user")
_PROGRAMS = (".py", ".pyi", ".ipynb", ".r", ".jl", ".js", ".ts", ".tsx", ".java", ".c", ".cpp", ".go", ".rs", ".sql")
_NOTHING = frozenset({"", "None", "nan", "NaN", "<NA>", "null", REMOVED})
_KNOWN = "a stored key, or what a variable with the name of a secret holds"


def is_code_file(name: str) -> bool:
    """Return whether a path or an address ends like that of source code, where words are names and not values."""
    return name.lower().endswith(_PROGRAMS)


def known_secrets(
    keys: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    variables: Mapping[str, object] | None = None,
) -> Secrets:
    """Return the values that must not be sent.

    Args:
        keys: the stored keys.
        environment: the environment, of which the variables that are named like secrets count.
        variables: the notebook's variables, of which texts count that are named like secrets, also within dicts and lists.
    """
    found = [*keys]
    settings = {name: value for name, value in (environment or {}).items() if name not in _FOLDERS}
    found += [value for name, value in settings.items() if is_named_so(name, value)]
    looked_at = islice(_named_texts(variables or {}, _DEEPEST), _MOST_LOOKED_AT)
    found += [value for value in looked_at if value is not None]
    # A secret as short as a word cannot be told from ordinary words.
    return Secrets.of(value.strip() for value in found if _SHORTEST <= len(value.strip()) <= _LONGEST_VALUE)


def _named_texts(values: Mapping[str, object], depth: int, *, is_named: bool = False) -> Iterator[str | None]:
    for name, value in list(islice(values.items(), _MOST_ENTRIES)):
        yield from _texts(value, depth, is_named=is_named or is_named_so(name, value))


def _texts(value: object, depth: int, *, is_named: bool) -> Iterator[str | None]:
    """Yield the texts of a value that are named like secrets, and None for each value that was looked at."""
    yield None
    # Only the plain types: looking into others may run code of theirs.
    if type(value) in (str, Secret) and is_named:
        yield str(value)
    elif type(value) is bytes and is_named:
        yield value.decode(errors="replace")
    elif type(value) is dict and depth:
        yield from _named_texts(value, depth - 1, is_named=is_named)
    elif type(value) in (list, tuple) and depth:
        for item in islice(value, _MOST_ENTRIES):  # type: ignore[call-overload]
            yield from _texts(item, depth - 1, is_named=is_named)
    elif class_name(type(value)) in _FRAMES:
        yield from _texts_in_frame(value)


def _texts_in_frame(frame: Any) -> Iterator[str | None]:
    """Yield the values of the columns of a frame that are named like secrets, in the rows that are shown: the first and the last ones."""
    # A frame may be damaged, or have columns of any kind.
    with suppress(Exception):
        for name in list(frame.columns)[:_MOST_ENTRIES]:
            yield None
            if is_secret_name(name):
                shown = [*frame[name].head(_MOST_ROWS).to_list(), *frame[name].tail(_MOST_ROWS).to_list()]
                yield from (text for text in shown if isinstance(text, str) and is_named_so(name, text))


@dataclass(slots=True, frozen=True)
class Removal:
    """A secret that was removed, for the record.

    Attributes:
        where: where it was found, in terms the user knows, such as `df` or `[3]`; empty if that is not known.
        what: what it is taken to be.
    """

    where: str
    what: str


@dataclass(slots=True)
class Scrubber:
    """Removes secrets from texts, and counts them.

    Attributes:
        secrets: the values that are known.
        where: what is being scrubbed, for the record.
    """

    secrets: Secrets = field(default_factory=Secrets)
    where: str = ""
    _removed: dict[Secret, Removal] = field(default_factory=dict)
    _spelled: list[tuple[str, Secret]] = field(default_factory=list)

    def __post_init__(self) -> None:
        spelled: dict[str, Secret] = {}
        for value in self.secrets.recognizable.values:
            spelled |= dict.fromkeys(spellings(value), value)
        self._spelled = sorted(spelled.items(), key=lambda pair: len(pair[0]), reverse=True)

    @property
    def count(self) -> int:
        """How many different secrets have been removed so far."""
        return len(self._removed)

    @property
    def removals(self) -> list[Removal]:
        """What has been removed so far, each secret once."""
        return list(self._removed.values())

    def scrub(self, text: str, *, is_code: bool = True, are_values: bool = False) -> str:
        """Return a text without secrets. Scrub it before it is shortened, or the beginning of a secret may be left at its end.

        Args:
            text: the text.
            is_code: in `password=other`, `other` may be the name of a variable; False for settings and prose, where it is a value.
            are_values: it is a value everywhere, also in `Client(password=other)`, as in the `repr()` of an object.
        """
        text = self._without_known(text)
        words = words_in(text)
        # Most texts with one of these words have no name of a secret.
        has_names = names_secrets(text, words)
        before = text
        # What the syntax of a text says about it is read first, before other rules change it.
        if has_names or (_contains(text, _GIVEN_TO) and _GIVEN.search(text)):
            text = self._without_literals(text)
        if has_names:
            lowered = text.lower()
            for needle, notation in PAIRS:
                if needle in lowered:
                    text = notation.sub(self._without_value, text)
            text = self._without_spans(text, cells_in_tables(text, is_code=is_code))
        if _contains(text, _USER_OPTIONS):
            text = USER_OPTION.sub(self._without_value, text)
        for needles, form in FORMS:
            if _contains(text, needles):
                text = form.sub(lambda found: self._remove(found, _form_of(found[0])), text)
        if "://" in text:
            for users in USERS:
                text = users.sub(lambda found: self._remove(found, "the user of an address"), text)
        words = words if text is before else words_in(text)
        return self._without_named(text, words, is_code=is_code, are_values=are_values)

    def _without_named(self, text: str, words: list[int], *, is_code: bool, are_values: bool = False) -> str:
        found = [*values_after_names(text, words, is_code=is_code, are_values=are_values)] if words else []
        return self._without_spans(text, found) if found else text

    def _without_literals(self, text: str) -> str:
        pieces, kept = [], 0
        for start, end, name in literals_in_code(text):
            pieces += [text[kept:start], self._without_literal(text[start:end], name)]
            kept = end
        return "".join([*pieces, text[kept:]])

    def _without_literal(self, literal: str, name: str) -> str:
        if not name:
            # A text in a program may hold settings.
            return self._without_named(literal, words_in(literal), is_code=False)
        quoted = QUOTED.match(literal)
        if quoted is None or REMOVED in literal or not is_value(name, quoted["value"], is_quoted=True):
            return literal
        start = quoted.start("value")
        return self._without_spans(literal, [(start, max(len(literal) - len(quoted["quote"]), start), name)])

    def _without_spans(self, text: str, spans: Sequence[Span]) -> str:
        pieces, kept = [], 0
        for start, end, name in spans:
            pieces += [text[kept:start], self._note(text[start:end], f"the value of {name}")]
            kept = end
        return "".join([*pieces, text[kept:]])

    def _without_value(self, found: re.Match[str]) -> str:
        """Return what a notation of a name and a value has matched, without the value if the name is that of a secret."""
        name = found.groupdict().get("name", "password").rpartition(":")[2]
        value = found["value"].strip()
        if REMOVED in value or not is_named_so(name, value) or value.lower() in DESCRIPTIONS:
            return found[0]
        return found[0].replace(value, self._note(value, f"the value of {name}"))

    def scrub_named(self, name: object, text: str) -> str:
        """Return the text of a variable, a column or an entry of a dict; all of it is removed if its name says that it is a secret."""
        if is_named_so(name, text) and text not in _NOTHING:
            return self._note(text, f"the value of {name}")
        return self.scrub(text, is_code=False)

    def scrub_json(self, value: object, name: object = None) -> object:
        """Return a JSON value with every text in it scrubbed, and without the values of keys that say that they are secret."""
        if isinstance(value, dict):
            is_schema = not _OF_SCHEMAS.isdisjoint(value)
            named = self._named_entry(value)
            return {
                key: self.scrub_json(item, self._nearest(key, named if key in _VALUES else None if is_schema else name))
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            is_pair = len(value) == 2 and isinstance(value[0], str) and _is_setting_name(value[0])
            names = [name, value[0]] if is_pair else [name] * len(value)
            return [self.scrub_json(item, of) for item, of in zip(value, names, strict=True)]
        if isinstance(value, str):
            return self.scrub_named(name, value) if name is not None else self.scrub(value, is_code=False)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and is_named_so(name, str(value)) and len(str(value)) >= _SHORTEST:
            return self._note(str(value), f"the value of {name}")
        return value

    def _named_entry(self, entries: dict[Any, object]) -> object:
        """Return the name that one entry of a dict gives to the value of another, as in `{"name": "API_KEY", "value": …}`, if it is that of a secret."""
        return next(
            (name for key in _NAMES if isinstance(name := entries.get(key), str) and _is_setting_name(name)), None
        )

    def _nearest(self, key: object, outer: object) -> object:
        """Return the name under which a value in a dict counts: that of the dict, if it is the one of a secret."""
        return outer if isinstance(outer, str) and _is_setting_name(outer) else key

    def _note(self, value: str, what: str) -> str:
        found = Secret(value.strip("\"'"))
        if found not in self._removed:
            self._removed[found] = Removal(self.where, what)
            # The same secret may stand by itself elsewhere, as in the message of an error. A word could be just that word there.
            if len(found) >= _RECOGNIZABLE and not found.isalpha():
                self._spelled += [(spelled, found) for spelled in spellings(found)]
        return REMOVED

    def _without_known(self, text: str) -> str:
        for spelled, value in self._spelled:
            if spelled in text:
                self._removed.setdefault(value, Removal(self.where, _KNOWN))
                text = text.replace(spelled, REMOVED)
        return text

    def _remove(self, found: re.Match[str], what: str) -> str:
        return found[0] if REMOVED in found[0] else self._note(found[0], what)


def _is_setting_name(name: str) -> bool:
    """Return whether a text is the name of a secret, and not a sentence that mentions one."""
    return is_telling_name(name) and " " not in name.strip()


def _contains(text: str, needles: Iterable[str]) -> bool:
    # A loop, since it is run for each form and each text, and a generator takes longer than most searches.
    for needle in needles:  # noqa: SIM110
        if needle in text:
            return True
    return False


def _form_of(text: str) -> str:
    """Return what a secret that was found by its form is taken to be."""
    if text.startswith("-----BEGIN"):
        return "a private key"
    return "a JSON Web Token" if text.startswith("eyJ") else f"a token that begins with {text[:3]}"
