"""`%llm templates`, `tools`, `fragments`, `schemas` and `plugins`: what there is, and how to use each of it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.folders import user_dir
from llm_notebook.errors import ModelError
from llm_notebook.notebook.commands.lists.excerpts import excerpt
from llm_notebook.notebook.commands.lists.listings import Group, Line, show_listing
from llm_notebook.notebook.commands.lists.sheets import Column
from llm_notebook.notebook.commands.lists.tables import say
from llm_notebook.notebook.completion.variables import fitting_variables
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.notebook.errors import CellError
from llm_notebook.plugins.own import get_fragment_loaders, get_plugins, get_template_loaders, get_tools
from llm_notebook.tools.schemas import schema_of
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.safe import safe_markdown

__all__ = ["fragments", "plugins", "schemas", "templates", "tools"]

_LONGEST = 100
_MOST_FIELDS = 8


def templates(shell: InteractiveShell, words: Sequence[str]) -> None:
    """List the templates, or show one, or their folder.

    Raises:
        CellError: there is no template of that name.
    """
    from llm_notebook.templates.template import list_templates, load_template  # loads yaml

    if words == ["path"]:
        say(shell, "{}", str(user_dir(create=False) / "templates"))
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = list_templates()
    if words[:1] == ["show"]:
        name = words[1]
        try:
            text = load_template(name).stringify()
        except ModelError as error:
            raise CellError(str(error)) from None
        show_markdown(shell, safe_markdown(fenced_text(text, "yaml")), text)
        return
    lines = []
    for template in found:
        variables = sorted(template.vars() - {"input"} - (template.defaults or {}).keys())
        values = "".join(f" -p {name} …" for name in variables)
        about = excerpt(template.prompt or template.system or "", _LONGEST)
        lines.append(Line([template.name, about, f"%%llm -t {template.name}{values}"]))
    loaders = [
        Line([f"{prefix}:…", _documentation(loader), f"%%llm -t {prefix}:…"])
        for prefix, loader in get_template_loaders().items()
    ]
    unread = [f"{warning.message}" for warning in caught]
    if not lines and not loaders:
        said = "No template is stored. `%%llm --save NAME` stores the prompt and the options of a cell as one."
        say(shell, " ".join([said, *(["{}"] * len(unread))]), *unread)
        return
    note = " ".join(["`%llm templates show NAME` shows one.", *(text.replace("`", "'") for text in unread)])
    _show(shell, "Templates", [Group("", lines), Group("From plugins", loaders)], note)


def tools(shell: InteractiveShell, _words: Sequence[str]) -> None:
    """List the tools of plugins and of the notebook."""
    names = list(fitting_variables(shell.user_ns, "tool"))
    own = [Line([name, _about(shell.user_ns[name]), f"%%llm -T {name}"]) for name in names]
    offered = [Line([name, _about(offer), f"%%llm -T {name}"]) for name, offer in get_tools().items()]
    if not own and not offered:
        say(shell, "There are no tools. A function of this notebook is one: `%%llm -T FUNCTION` gives it to the model.")
        return
    note = "`--ta` asks before each call, `--approve NAME` before those of one tool."
    _show(shell, "Tools", [Group("In this notebook", own), Group("From plugins", offered)], note)


def fragments(shell: InteractiveShell, _words: Sequence[str]) -> None:
    """List the loaders of fragments."""
    lines = [
        Line([f"{prefix}:…", _documentation(loader), f"%%llm -f {prefix}:…"])
        for prefix, loader in get_fragment_loaders().items()
    ]
    note = "`-f` also takes a variable or an expression of the notebook, a file, and an address."
    if not lines:
        say(shell, f"No plugin loads fragments. {note}")
        return
    _show(shell, "Fragments", [Group("", lines)], note)


def schemas(shell: InteractiveShell, _words: Sequence[str]) -> None:
    """List what can stand after `--schema`."""
    from llm_notebook.templates.template import list_templates  # loads yaml

    own = [
        Line([name, _fields(shell.user_ns[name]), f"%%llm --schema {name}"])
        for name in fitting_variables(shell.user_ns, "schema")
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = [
            Line([template.name, _fields(template.schema_object), f"%%llm -t {template.name}"])
            for template in list_templates()
            if template.schema_object
        ]
    note = '`--schema "name, age int, bio: one line"` needs none of them; `--schema-multi` asks for several rows.'
    if not own and not stored:
        say(
            shell,
            f"This notebook has no class for `--schema`: a dataclass, TypedDict, Enum or pydantic class is one. {note}",
        )
        return
    _show(shell, "Schemas", [Group("In this notebook", own), Group("In templates", stored)], note)


def plugins(shell: InteractiveShell, _words: Sequence[str]) -> None:
    """List the plugins and what each adds."""
    from llm_notebook import __version__  # the package is there

    found = get_plugins()
    added = {
        "register_models": ("models", "%llm models"),
        "register_tools": ("tools", "%llm tools"),
        "register_template_loaders": ("templates", "%llm templates"),
        "register_fragment_loaders": ("fragments", "%llm fragments"),
        "register_embedding_models": ("embedding models", ""),
        "register_objects": ("objects", ""),
        "register_commands": ("commands of the llm program", ""),
    }
    lines = []
    for plugin in found:
        adds = [added.get(hook, (hook, "")) for hook in plugin["hooks"]]
        title = f"{plugin['name']} {plugin.get('version', '')}".rstrip()
        ways = dict.fromkeys(way for _, way in adds if way)
        lines.append(Line([title, ", ".join(name for name, _ in adds) or "nothing", ", ".join(ways)]))
    note = f"llm_notebook {__version__}. Plugins of `llm` work here too: `%pip install llm-…`, then restart the kernel."
    if not lines:
        say(shell, f"No plugin is installed. {note}")
        return
    header = (Column("Plugin"), Column("Adds", "llm-fill llm-lead"), Column("See", "llm-nowrap"))
    show_listing(shell, "Plugins", header, [Group("", lines)], note)


def _show(shell: InteractiveShell, name: str, groups: Sequence[Group], note: str) -> None:
    header = (Column("Name"), Column("About", "llm-fill llm-lead"), Column("Use", "llm-nowrap"))
    show_listing(shell, name, header, groups, note)


def _documentation(thing: object) -> str:
    return excerpt((inspect.getdoc(thing) or "").partition("\n\n")[0], _LONGEST)


def _about(offer: Any) -> str:
    """Return what a tool says of itself, with its arguments."""
    if isinstance(offer, Tool):
        return excerpt(f"({', '.join(_properties(offer.input_schema))}) {offer.description or ''}", _LONGEST)
    kind = offer if isinstance(offer, type) else type(offer)
    if issubclass(kind, Toolbox):
        names = ", ".join(tool.name for tool in kind.method_tools())
        return excerpt(f"toolbox of {names or 'tools that it finds when it is used'}. {_documentation(kind)}", _LONGEST)
    try:
        arguments = ", ".join(inspect.signature(offer).parameters)
    except (TypeError, ValueError):
        arguments = "…"
    return excerpt(f"({arguments}) {_documentation(offer)}", _LONGEST)


def _properties(schema: object) -> Iterator[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    yield from map(str, properties or ())


def _fields(source: object) -> str:
    try:
        schema = schema_of(source)
    except (TypeError, ValueError, ModelError):
        return ""
    items = schema.get("properties", {}).get("items", {}).get("items", {}) if isinstance(schema, dict) else {}
    names = list(_properties(items)) or list(_properties(schema))
    return ", ".join(names[:_MOST_FIELDS]) + (f" and {len(names) - _MOST_FIELDS} more" if names[_MOST_FIELDS:] else "")
