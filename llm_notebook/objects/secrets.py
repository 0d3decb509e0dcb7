"""Keeping secrets out of what a model is sent: one list for context, errors and objects.

The notebook's objects, cells and errors are all text by the time they are sent, so secrets are found in text, in three ways:

- by their value: stored keys, and the values of environment variables and notebook variables with names such as `API_KEY`;
- by the name before them in code, JSON, tables of settings and addresses: `password = "…"`, `"token": "…"`, `?api_key=…`;
- by their form: private keys (PEM), JSON Web Tokens, the tokens of well-known services, and the user in an address.

Each becomes `[removed]`, so a model can still tell that something was there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from string import ascii_letters, digits
from typing import Any

from llm_notebook.configuration.keys import Secret
from llm_notebook.configuration.scrubbing import Secrets, spellings
from llm_notebook.objects.offered import class_name

__all__ = ["REMOVED", "Removal", "Scrubber", "is_code_file", "is_secret_name", "known_secrets"]

REMOVED = "[removed]"
"""The text that replaces a secret."""

# Words that mark a name as that of a secret wherever they occur in it: `DB_PASSWORD`, `passwordOld`.
_ALWAYS = frozenset(
    "secret secrets password passwords passwd passphrase passcode pwd apikey accesskey secretkey privatekey".split()
)
# In the environment, these hold folders: every shell puts them there.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
# Words that do so only at its end, as in `api_key` and `GITHUB_TOKEN`, but not in `KeyError` or `token_count`.
_AT_THE_END = frozenset("key token credential credentials authorization".split())
# Words before `key` and `token` with which they name a column, an argument, or a part of a text.
_HARMLESS = frozenset(
    """
    public primary foreign sort cache group dict index partition join merge next previous page pad eos bos unk cls sep mask
    sub per by max min num first last special stop current dictionary natural candidate composite row column sorting
    """.split()
)
_OF_SEVERAL = frozenset("api access secret auth private".split())
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BARE = re.compile(r"[_\d]*(?:keys?|tokens?)[_\d]*", re.IGNORECASE)
_SHORTEST = 6
# A value under the bare name `key` or `token` is a secret only if it looks like one: they are names of loop variables, too.
_LOOKS_SECRET = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w+/=.~-]{16,}")
_DEEPEST, _MOST_ENTRIES, _LONGEST_VALUE = 4, 1_000, 10_000
# How many values of variables are looked at in all: a large table of plain dicts must not hold up a prompt.
_MOST_LOOKED_AT = 20_000
# A notebook shows the first and the last rows of a frame.
_MOST_ROWS = 30
_FRAMES = frozenset({"pandas.DataFrame", "polars.DataFrame"})

# How the tokens of well-known services begin; random letters follow.
_SERVICES = "hf gsk npm r8 whsec dop_v1 doo_v1 shpat shpss lin_api sntrys figd nvapi pplx xai tvly dapi fw glsa phc csk jina".split()
# Forms of secrets, each with short texts of which one always occurs in it: most texts contain none of these and need no search.
_FORMS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (needles, re.compile(form, re.DOTALL))
    for needles, form in (
        # Private keys and certificates, also with line breaks spelled out, and cut off at the end.
        (("-----BEGIN",), r"-----BEGIN [A-Z0-9 ]{1,60}-----.*?(?:-----END [A-Z0-9 ]{1,60}-----|\Z)"),
        (("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"),
        (tuple(f"{one}k{sign}" for one in "srpe" for sign in "-_"), r"\b[srpe]k[-_][A-Za-z0-9_-]{12,}"),
        (("gh", "glpat-"), r"\b(?:gh[opusr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,})"),
        (("xox", "xapp-"), r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"),
        (("AKIA", "ASIA", "ABIA", "ACCA"), r"\bA(?:KI|SI|BI|CC)A[0-9A-Z]{16}\b"),
        (("AIza", "ya29.", "GOCSPX-"), r"\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}"),
        (tuple(_SERVICES), rf"\b(?:{'|'.join(_SERVICES)})[-_]?[A-Za-z0-9_-]{{20,}}"),
        (
            ("pypi-", "SG.", "AGE-SECRET-KEY-1"),
            r"\bpypi-[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}",
        ),
        (("Bearer ", "Basic "), r"(?<=\bBearer )[\w.~+/=-]{8,}|(?<=\bBasic )[A-Za-z0-9+/=]{8,}"),
    )
)
# The user of an address, with or without a password.
_USER = re.compile(r"(?<=://)[^\s/?#'\"<>@\\]{1,500}(?=@[\w\[%])")
# Every name of a secret contains one of these.
_SECRET_WORDS = ("key", "token", "secret", "passw", "passp", "passc", "pwd", "credential", "authorization")
# A piece of text at whose end a name may be, and what stands between a name and the end of the sign after it.
_PIECES = re.compile(r"[A-Za-z0-9_.-]+")
_IN_A_PIECE = frozenset(f"{ascii_letters}{digits}_.-")
_SIGN = re.compile(r"""\\?["']?\]?\s{0,20}[=:!]""")
_LONGEST_SIGN = 30
# A name and the sign after it, in code, JSON, settings and addresses.
_NAMED = re.compile(
    r"""(?<![A-Za-z0-9_])-{0,2}(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,100})"""
    r"""\\?["']?\]?\s{0,20}(?:=>|:=|==?|!=|:)\s{0,20}"""
)
_QUOTED = re.compile(
    r"""[rbufRBUF]{0,2}(?P<quote>\\?(?:\"{3}|'{3}|["']))(?P<value>(?:(?!(?P=quote)).){1,4000})""", re.DOTALL
)
# Nobody writes a longer value there; without a limit, some texts would take forever to search.
_UNQUOTED = re.compile(r"""(?P<value>[^\s"'(){}\[\],;|&<>\\]{1,500})""")
_OPENS = frozenset("({[")
# Where a word without quotation marks is a value and not the name of a variable: in the query of an address, and in an option of a command.
_BEFORE_VALUE = re.compile(r"(?:[?&]|(?:^|\s)--)\Z")
# In code, but not in settings or prose, a name before such a value is that of an argument.
_IN_CALL = re.compile(r"\w\([^()\n]*\Z")
_LINE_OF_SETTINGS = re.compile(r"[ \t]*(?:[-*+][ \t]+)?(?:(?:export|set)[ \t]+)?[\w.-]*\Z")
# What follows the name of a secret that is described rather than given.
_DESCRIPTIONS = frozenset(
    "str string text int integer bytes bool boolean none null true false required optional any".split()
)
_SHORTEST_SETTING = 3
_ENDS = ".:!?`*"
_PROGRAMS = (".py", ".pyi", ".ipynb", ".r", ".jl", ".js", ".ts", ".tsx", ".java", ".c", ".cpp", ".go", ".rs", ".sql")
_NOTHING = frozenset({"", "None", "nan", "NaN", "<NA>", "null", REMOVED})
_KNOWN = "a stored key, or what a variable with the name of a secret holds"


def is_secret_name(name: object) -> bool:
    """Return whether a variable, a column, a key of a dict or an environment variable of this name is taken to hold a secret."""
    if not isinstance(name, str) or len(name) > 200:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    at_the_end = words[-1] in _AT_THE_END and before not in _HARMLESS
    return at_the_end or not _ALWAYS.isdisjoint(words) or (words[-1] in ("keys", "tokens") and before in _OF_SEVERAL)


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
    found += [value for name, value in settings.items() if _is_named_so(name, value)]
    looked_at = islice(_named_texts(variables or {}, _DEEPEST), _MOST_LOOKED_AT)
    found += [value for value in looked_at if value is not None]
    # A secret as short as a word cannot be told from ordinary words.
    return Secrets.of(value.strip() for value in found if _SHORTEST <= len(value.strip()) <= _LONGEST_VALUE)


def _named_texts(values: Mapping[str, object], depth: int, *, is_named: bool = False) -> Iterator[str | None]:
    for name, value in list(islice(values.items(), _MOST_ENTRIES)):
        yield from _texts(value, depth, is_named=is_named or _is_named_so(name, value))


def _is_named_so(name: object, value: object) -> bool:
    """Return whether a name says that its value is a secret, and the value does not contradict it."""
    if not is_secret_name(name):
        return False
    is_bare = _BARE.fullmatch(str(name)) is not None
    return not is_bare or not isinstance(value, str) or _LOOKS_SECRET.fullmatch(value.strip()) is not None


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
                yield from (text for text in shown if isinstance(text, str) and _is_named_so(name, text))


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

    def scrub(self, text: str, *, is_code: bool = True) -> str:
        """Return a text without secrets. Scrub it before it is shortened, or the beginning of a secret may be left at its end.

        Args:
            text: the text.
            is_code: in `password=other`, `other` may be the name of a variable; False for settings and prose, where it is a value.
        """
        text = self._without_known(text)
        for needles, form in _FORMS:
            if _contains(text, needles):
                text = form.sub(lambda found: self._remove(found, _form_of(found[0])), text)
        if "://" in text:
            text = _USER.sub(lambda found: self._remove(found, "the user of an address"), text)
        return "".join(self._without_named(text, is_code=is_code))

    def scrub_named(self, name: object, text: str) -> str:
        """Return the text of a variable, a column or an entry of a dict; all of it is removed if its name says that it is a secret."""
        if _is_named_so(name, text) and text not in _NOTHING:
            return self._note(text, f"the value of {name}")
        return self.scrub(text, is_code=False)

    def scrub_json(self, value: object, name: object = None) -> object:
        """Return a JSON value with every text in it scrubbed, and without the values of keys that say that they are secret."""
        if isinstance(value, dict):
            return {key: self.scrub_json(item, key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrub_json(item, name) for item in value]
        if isinstance(value, str):
            return self.scrub_named(name, value) if name is not None else self.scrub(value, is_code=False)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and _is_named_so(name, str(value)) and len(str(value)) >= _SHORTEST:
            return self._note(str(value), f"the value of {name}")
        return value

    def _note(self, value: str, what: str) -> str:
        self._removed.setdefault(Secret(value.strip("\"'")), Removal(self.where, what))
        return REMOVED

    def _without_known(self, text: str) -> str:
        for spelled, value in self._spelled:
            if spelled in text:
                self._removed.setdefault(value, Removal(self.where, _KNOWN))
                text = text.replace(spelled, REMOVED)
        return text

    def _remove(self, found: re.Match[str], what: str) -> str:
        return found[0] if REMOVED in found[0] else self._note(found[0], what)

    def _without_named(self, text: str, *, is_code: bool) -> Iterator[str]:
        """Yield the pieces of a text, with `[removed]` in place of the values that follow the names of secrets."""
        kept = at = 0
        for start, end in _places_of_names(text):
            named = _NAMED.search(text, max(at, start), end + _LONGEST_SIGN) if end > at else None
            if named is None:
                continue
            at = named.end()
            name = named["name"].rpartition(".")[2]
            if not is_secret_name(name):
                continue
            quoted = _QUOTED.match(text, at)
            value = quoted or _UNQUOTED.match(text, at)
            if value is None or REMOVED in value["value"]:
                continue
            # What is called or subscripted is code.
            if quoted is None and text[value.end() : value.end() + 1] in _OPENS:
                continue
            is_setting = quoted is None and _is_setting(text, named, value, is_code=is_code)
            if not is_setting and not _is_value(name, value["value"], is_quoted=quoted is not None):
                continue
            # The value may be the end of a sentence.
            found = value["value"].rstrip(_ENDS) if is_setting else value["value"]
            yield text[kept : value.start("value")]
            yield self._note(found, f"the value of {name}")
            kept = at = value.start("value") + len(found)
        yield text[kept:]


def _contains(text: str, needles: Iterable[str]) -> bool:
    # A loop, since it is run for each form and each text, and a generator takes longer than most searches.
    for needle in needles:  # noqa: SIM110
        if needle in text:
            return True
    return False


def _places_of_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield (the start, the end) of each piece of a text that may end with the name of a secret and has a sign after it, in order.

    Only what contains one of the words is looked at: most texts have many names, and no such one.
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters become longer, and then the places differ.
        yield from (piece.span() for piece in _PIECES.finditer(text))
        return
    end = 0
    for at in sorted(at for word in _SECRET_WORDS for at in _occurrences(lowered, word)):
        if at < end:
            continue
        piece = _PIECES.match(text, at)
        end = at if piece is None else piece.end()
        if _SIGN.match(text, end):
            start = at
            while start and text[start - 1] in _IN_A_PIECE:
                start -= 1
            yield start, end


def _occurrences(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _form_of(text: str) -> str:
    """Return what a secret that was found by its form is taken to be."""
    if text.startswith("-----BEGIN"):
        return "a private key"
    return "a JSON Web Token" if text.startswith("eyJ") else f"a token that begins with {text[:3]}"


def _is_value(name: str, value: str, *, is_quoted: bool) -> bool:
    """Return whether what follows a secret's name is a secret, and not code, a type, or a word such as `None`."""
    if re.fullmatch(r"_*key\d*", name, re.IGNORECASE):
        return _LOOKS_SECRET.fullmatch(value) is not None
    if is_quoted:
        return bool(value.strip())
    # Without quotation marks it is a secret only where it cannot be the name of something: `token: str`, `key = len`.
    is_number = value.replace(".", "", 1).isdigit()
    has_digit = any(character.isdigit() for character in value)
    return len(value) >= _SHORTEST and has_digit and (not is_number or len(value) > 7)


def _is_setting(text: str, named: re.Match[str], found: re.Match[str], *, is_code: bool) -> bool:
    """Return whether the place of a word without quotation marks shows that it is a value.

    Args:
        text: the whole text.
        named: the name of the secret, and the sign after it.
        found: the value.
        is_code: a word may be the name of a variable.
    """
    value, name = found["value"].rstrip(_ENDS), named["name"].rpartition(".")[2]
    if len(value) < _SHORTEST_SETTING or value[0] in "$%" or value.lower() in _DESCRIPTIONS:
        return False
    if _BARE.fullmatch(name) and "token" not in name.lower():
        return False
    # A line is looked at only near the name: texts may be long.
    before = text[max(0, named.start("name") - 200) : named.start("name")].rpartition("\n")[2]
    sign = text[named.end("name") : named.end()]
    is_close = sign == "="
    if is_close and _BEFORE_VALUE.search(before):
        return True
    if is_code:
        return False
    after = text[found.end() : found.end() + 200].partition("\n")[0].strip()
    is_line = not after and _LINE_OF_SETTINGS.fullmatch(before) is not None
    is_argument = _IN_CALL.search(before) is not None or (after == "," and not before.strip())
    # A colon without a space after it may be part of a name.
    is_assigned = sign.strip(" \t") in ("=", ":") and sign != ":"
    return (is_line and is_assigned) or (is_close and not is_argument)
