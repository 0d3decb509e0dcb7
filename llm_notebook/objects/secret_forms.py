"""The forms of secrets that are recognized by themselves, and the notations in which a name stands before its value."""

from __future__ import annotations

import re

__all__ = ["FORMS", "PAIRS", "USERS", "USER_OPTION"]

# How the tokens of well-known services begin; random letters follow.
_SERVICES = "hf gsk npm r8 whsec dop_v1 doo_v1 shpat shpss lin_api sntrys figd nvapi pplx xai tvly dapi fw glsa phc csk jina".split()
# Forms of secrets, each with short texts of which one always occurs in it: most texts contain none of these and need no search.
FORMS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
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
# The user of an address, with or without a password. Some libraries take passwords with the signs that end a user elsewhere; a number after the
# colon is that of a port.
USERS = (
    re.compile(
        r"(?<=://)[^\s/?#'\"<>@\\:\[\]]{0,200}:(?!\d{1,5}(?:[/?#,;)]|\Z))(?:(?!://)[^\s'\"<>\\]){0,500}(?=@[\w\[%{])"
    ),
    re.compile(r"(?<=://)[^\s/?#'\"<>@\\]{1,500}(?=@[\w\[%])"),
)

# A name and its value in notations that have no sign between them. Each is searched only in texts that contain the words before it.
PAIRS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (needle, re.compile(form, re.MULTILINE | re.IGNORECASE))
    for needle, form in (
        ("</", r"<(?P<name>[\w:.-]{1,100})(?:\s[^<>]{0,500})?>(?P<value>[^<>]{1,4000})</"),
        (
            "value",
            r"""\b(?:name|key|id|property)\s{0,5}=\s{0,5}["'](?P<name>[\w.-]{1,100})["']\s{1,20}value\s{0,5}=\s{0,5}["'](?P<value>[^"'<>]{1,4000})""",
        ),
        ("env ", r"^[ \t]{0,20}%(?:set_)?env[ \t]{1,5}(?P<name>\w{1,100})[ \t]{1,5}(?P<value>[^\s=].{0,4000})$"),
        ("login ", r"\blogin\s{1,20}\S{1,200}\s{1,20}(?P<name>password)\s{1,20}(?P<value>\S{1,500})"),
        (": ", r"""["'](?P<name>[\w-]{1,100}):[ ]{1,4}(?P<value>[^"'\n{}]{1,4000})["']"""),
        (
            ":",
            r"""^(?P<indentation>[ \t]{0,40})(?:-[ ])?["']?(?P<name>[\w.-]{1,100})["']?:[ \t]{0,5}[|>][+-]?\n"""
            r"(?P<value>(?:(?P=indentation)[ \t]{1,20}\S.{0,500}\n?){1,100})",
        ),
    )
)

USER_OPTION = re.compile(r"""(?<=\s)(?:-u|--user)[ =]["']?[^\s:'"$]{1,200}:(?P<value>[^\s'"$]{1,500})""")
"""The option of a command that takes a user and a password, as that of curl."""
