"""The subcommands of `%llm`: what may follow each name, and what its manual says.

`grammar` tells subcommands from prompts by them, `manuals` shows them, and the completion offers what they say. A name that is
reserved for something that this version does not have yet is here too, with a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CALL_ID", "FORMS", "HIDDEN", "Form"]

CALL_ID = r"(?=[a-z]*\d)[0-9a-z]{5,26}"
"""Matches a part of a ULID. The digit distinguishes it from a word of a prompt."""

# An address or a path; quotation marks enclose one with spaces.
_SOURCE = r"""(?:"[^"]+"|'[^']+'|\S+)"""
# A path that looks like one.
_FILE = r"""(?:"[^"]+"|'[^']+'|\S*[/\\.]\S*)"""
_CELL = r"(?:[Ii]n ?)?(?:\[\d+\]|\d+)"
_MODEL = r"(?:-m \S+)"


@dataclass(slots=True, frozen=True)
class Form:
    """A subcommand.

    Attributes:
        about: what it does, as a sentence.
        pattern: a regular expression that must match all that follows its name, with single spaces between the words.
        rows: what may follow its name, as a person would write it, and what that does. Words in capitals stand for values.
        example: a line that shows it at work; empty if its name alone does.
        slips: matches what follows the name in lines that nobody means as a prompt, besides those that begin with a word of `rows`.
        takes_call: it takes the ID of a call.
        later: says that this version does not have it; empty if it does.
    """

    about: str
    pattern: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    example: str = ""
    slips: str = ""
    takes_call: bool = False
    later: str = ""


HIDDEN = frozenset({"act"})
"""Subcommands that front ends send, and nobody types."""

_SET_UP = {
    "models": Form(
        "Lists the models: first those that can be used now, then those that need a key.",
        r"|list|refresh(?: [a-z]+)?|(?:(?:-q \S+|--schemas|--tools|--options|--all)(?: |$))+",
        (
            ("", "what can be used now, and some of what a key would unlock"),
            ("-q TEXT", "those whose id or alias has this text; repeatable"),
            ("--tools", "those that can call tools"),
            ("--schemas", "those that can answer by a schema"),
            ("--options", "their `-o` options instead"),
            ("--all", "all of them, however many there are"),
            ("refresh PROVIDER", "ask this provider, or without a name all of them, what models they have now"),
        ),
        "models -q mini --tools",
    ),
    "default": Form(
        "Shows or sets the model that answers where none is named.",
        r"\S*",
        (("", "show it"), ("MODEL", "make this model the default")),
        "default gpt-4o-mini",
    ),
    "aliases": Form(
        "Lists, sets and removes short names of models.",
        r"|list|set \S+ \S+|remove \S+",
        (
            ("", "list them"),
            ("set ALIAS MODEL", "make this another name of the model"),
            ("remove ALIAS", "forget one of yours"),
        ),
        "aliases set fast gpt-4o-mini",
    ),
    "keys": Form(
        "Stores API keys. A key is asked for in a password field and never stands in the notebook.",
        r"|set [^\s=]+|list|path|remove \S+",
        (
            ("", "list the names of the stored keys"),
            ("set NAME", "ask for a key, try it, and store it"),
            ("remove NAME", "forget it"),
            ("list", "the same as without a word"),
            ("path", "show the file that they are in"),
        ),
        "keys set openai",
    ),
    "local": Form(
        "Installs, lists and removes models that run on this machine, without a key.",
        rf"|list|remove \S+|install(?: {_SOURCE}(?: --as \S+| --sha256 \S+)*)?",
        (
            ("", "say how"),
            ("install", "fetch SmolLM2, a small model of about 93 MB"),
            ("install SOURCE --as NAME --sha256 DIGEST", "fetch another GGUF file: an address, `hf:OWNER/REPO/FILE.gguf`, or a path"),
            ("list", "list what is installed"),
            ("remove NAME", "remove one"),
        ),
        "local install hf:OWNER/REPO/FILE.gguf --as mine",
    ),
    "help": Form(
        "Shows a short manual: of everything, or of one subcommand or option.",
        "",  # the names that it takes are those of this table and of the options
        (("", "the whole of it"), ("NAME", "of a subcommand such as `models`, or an option such as `-T`")),
        "help error",
    ),
}  # fmt: skip

_FROM_THE_JOURNAL = {
    "pending": Form(
        "Lists the tool calls that wait for you, in this notebook and in all others.",
        rf"|{CALL_ID}",
        (("", "list them"), ("ID", "show all of one")),
        takes_call=True,
    ),
    "approve": Form(
        "Runs a waiting call and lets the model go on, in this cell.",
        CALL_ID,
        (("ID", "the call, as `%llm pending` lists it"),),
        "approve 5q7w2x1k",
        takes_call=True,
    ),
    "deny": Form(
        "Refuses a waiting call, and lets the model go on with your reason.",
        rf"{CALL_ID}( .*)?",
        (("ID REASON", "the call, as `%llm pending` lists it, and what the model is told"),),
        "deny 5q7w2x1k not in this folder",
        takes_call=True,
    ),
    "forget": Form(
        "Drops a question: the call does not run, and the model is not asked.",
        CALL_ID,
        (("ID", "the call, as `%llm pending` lists it"),),
        "forget 5q7w2x1k",
        takes_call=True,
    ),
    "resume": Form(
        "Shows a waiting turn again with its buttons, or goes on with one that was interrupted.",
        rf"|{CALL_ID}",
        (("", "the latest that waits"), ("ID", "the call or turn")),
        takes_call=True,
    ),
    "history": Form(
        "Shows the turns in the journal as a tree, by notebook.",
        rf"|list|{CALL_ID}|-q .+",
        (
            ("", "the latest"),
            ("-q TEXT", "those whose prompt or answer has these words"),
            ("ID", "one conversation"),
        ),
        "history -q pelican",
    ),
    "usage": Form(
        "Shows the tokens, the time and, where prices are known, the cost of what is in the journal.",
        r"|(?:(?:by|per) )?(?:day|model|notebook)s?",
        (
            ("", "by day"),
            ("day", "the same"),
            ("model", "by model"),
            ("notebook", "by notebook"),
        ),
        "usage model",
        slips=r"(?:this |last |per |by |for )?(?:today|yesterday|hour|week|month|year|total|all|list|costs?|tokens?)",
    ),
    "jobs": Form(
        "Lists the runs over rows: how far each came, what failed, and what it cost.",
        rf"|list|{CALL_ID}",
        (("", "list them"), ("list", "the same"), ("ID", "one of them, with its whole prompt")),
        "jobs 5q7w2x1k",
        slips=r"all|show \S+|stop \S+",
    ),
    "grants": Form(
        "Lists the tools that are always allowed, and takes a permission back.",
        rf"|list|revoke {CALL_ID}",
        (("", "list them"), ("list", "the same"), ("revoke ID", "ask again before calls of this tool")),
        "grants revoke 5q7w2x1k",
    ),
}  # fmt: skip

_WHAT_THERE_IS = {
    "error": Form(
        "Explains the last exception: its cell, the line that failed, and the values that were named there are sent to the model.",
        rf"(?:{_MODEL} )?(?:|fix|{_CELL}|fix {_CELL}|{_CELL} fix)(?:(?:^| ){_MODEL})?",
        (
            ("", "explain the last exception"),
            ("fix", "explain it, and propose a cell that mends it; nothing is run"),
            ("In[7]", "explain the exception of another cell"),
            ("fix In[7]", "both"),
            ("-m MODEL", "ask this model"),
        ),
        "error fix",
        slips=rf"explain|why|show|(?:in )?(?:cell )?(?:in|out)?\W*\d+\W*|{_MODEL}.*|(?:fix )?out\W*\d.*",
    ),
    "templates": Form(
        "Lists the templates that `llm` and this package share.",
        r"|list|path|show \S+",
        (("", "list them"), ("show NAME", "show one as it is stored"), ("path", "show the folder that they are in")),
        "templates show summary",
    ),
    "tools": Form("Lists the tools that plugins and this notebook offer.", r"|list", (("", "list them"),)),
    "fragments": Form("Lists the loaders that `-f PREFIX:ARGUMENT` knows.", r"|list", (("", "list them"),)),
    "plugins": Form("Lists the plugins that are installed, and what each adds.", r"|list", (("", "list them"),)),
    "schemas": Form("Lists what can stand after `--schema` in this notebook.", r"|list", (("", "list them"),)),
}  # fmt: skip

_LATER = {
    "stop": Form(
        "Is reserved for stopping what runs in the background.",
        rf"|all|{CALL_ID}",
        later="This version runs nothing in the background; ■ stops the cell that runs.",
    ),
    "batches": Form(
        "Is reserved for a list of the batches at providers.",
        rf"|list|{CALL_ID}",
        later="This version sends no batches to providers.",
    ),
    "export": Form(
        "Is reserved for writing conversations to a file.",
        rf"|{CALL_ID}|(?:{CALL_ID} )?{_FILE}",
        slips=r"all|chats?|conversations?|history|journal|notebook|html|markdown|json",
        later="This version does not export conversations; `%llm history ID` shows one.",
    ),
    "import": Form(
        "Is reserved for reading conversations from a file.",
        rf"|{_FILE}",
        later="This version does not import conversations.",
    ),
    "mcp": Form(
        "Is reserved for managing MCP servers.",
        rf"|list|add {_SOURCE}(?: \S+){{0,4}}|remove {_SOURCE}",
        slips=r"add|remove|start|stop|tools|servers?|list \S+",
        later="This version keeps no list of MCP servers; in Python, `time = llm_notebook.mcp_toolbox(\"uvx mcp-server-time\")`"
        " makes one a toolbox, and `-T time` gives its tools to a model.",
    ),
    "undo": Form(
        "Is reserved for taking back the last turn.",
        rf"|\d{{1,2}}|{CALL_ID}",
        slips=r"it|that|last|(?:the )?last turn",
        later="This version does not take turns back; running a cell again replaces its turn, and `%llm --cid ID …` goes on from an"
        " earlier one.",
    ),
}  # fmt: skip

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        **_SET_UP,
        **_FROM_THE_JOURNAL,
        **_WHAT_THERE_IS,
        **_LATER,
        "act": Form("Carries out a click on a page.", r"\{.*\}", (("JSON", "what was clicked"),)),
    }
)
"""Every subcommand by its name."""
