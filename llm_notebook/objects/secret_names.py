"""Which names say that what they name is a secret."""

from __future__ import annotations

import re

__all__ = ["BARE", "LOOKS_SECRET", "REMOVED", "is_named_so", "is_secret_name", "is_telling_name"]

REMOVED = "[removed]"
"""The text that replaces a secret."""

# Words that mark a name as that of a secret wherever they occur in it: `DB_PASSWORD`, `passwordOld`.
_ALWAYS = frozenset(
    "secret secrets password passwords passwd passphrase passcode pwd apikey accesskey secretkey privatekey".split()
)
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
BARE = re.compile(r"[_\d]*(?:keys?|tokens?)[_\d]*", re.IGNORECASE)
# Words before `pass` with which it is a password.
_OF_ACCOUNTS = frozenset(
    "db database mysql pg postgres redis mongo sql smtp imap mail email ftp sftp ssh http proxy user admin root login account".split()
)
# The headers of HTTP that tell who somebody is.
_COOKIE = re.compile(r"(?:set-)?cookie", re.IGNORECASE)
# A value under the bare name `key` or `token` is a secret only if it looks like one: they are names of loop variables, too.
LOOKS_SECRET = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w+/=.~-]{16,}")


def is_secret_name(name: object) -> bool:
    """Return whether a variable, a column, a key of a dict or an environment variable of this name is taken to hold a secret."""
    if not isinstance(name, str) or len(name) > 200:
        return False
    if _COOKIE.fullmatch(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    at_the_end = (words[-1] in _AT_THE_END and before not in _HARMLESS) or (
        words[-1] == "pass" and before in _OF_ACCOUNTS
    )
    return at_the_end or not _ALWAYS.isdisjoint(words) or (words[-1] in ("keys", "tokens") and before in _OF_SEVERAL)


def is_telling_name(name: str) -> bool:
    """Return whether a name is that of a secret, and says more than `key` or `token`, which are names of many other things too."""
    return is_secret_name(name) and BARE.fullmatch(name) is None


def is_named_so(name: object, value: object) -> bool:
    """Return whether a name says that its value is a secret, and the value does not contradict it."""
    if not is_secret_name(name):
        return False
    is_bare = BARE.fullmatch(str(name)) is not None
    return not is_bare or not isinstance(value, str) or LOOKS_SECRET.fullmatch(value.strip()) is not None
