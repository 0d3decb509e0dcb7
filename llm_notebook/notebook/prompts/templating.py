"""Templates in cells: `-t NAME` and `-p NAME VALUE` use templates. The `llm` command uses the same files.

Several templates are combined: their prompts are put around the text of the cell, the first one outermost. For every setting that can have
only one value, a later template overrides an earlier one, and the cell's own option overrides them all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_notebook.answers.row_scanner import ITEMS
from llm_notebook.errors import FragmentNotFound, ModelError, TemplateError
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.prompts.given import ADDRESSES, fetched
from llm_notebook.objects.secrets import is_code_file
from llm_notebook.parts.attachments import Attachment
from llm_notebook.plugins.own import get_fragment_loaders
from llm_notebook.templates.fragments import Fragment, resolve_fragments
from llm_notebook.templates.template import Template, load_template
from llm_notebook.transcript.markdown.escape import fenced_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.prompts.known_secrets import LazyScrubber

__all__ = ["Applied", "apply_templates"]


@dataclass(slots=True)
class Applied:
    """The templates of a cell.

    Attributes:
        arguments: the options of the cell, with those that the templates add.
        templates: the templates, in order.
        given: the values of their variables.
        brings_prompt: whether the templates are a prompt without any text of the cell.
        beside: the texts and files that they name, by the names of the arguments of a model's `chain()`; empty ones are left out.
    """

    arguments: Arguments
    templates: list[Template] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    beside: dict[str, list[Any]] = field(default_factory=dict)
    brings_prompt: bool = False

    def prompt(self, text: str) -> str:
        """Return what is sent for the text of the cell.

        Raises:
            CellError: a variable has no value.
        """
        for template in reversed(self.templates):
            prompt, _ = self._evaluate(template, text)
            takes_text = not template.prompt or "input" in template.vars()
            text = prompt or "" if takes_text else "\n".join(filter(None, [prompt, text]))
        return text

    def system(self, given: str | None, text: str) -> str | None:
        """Return the system prompt: the cell's own, or those of the templates."""
        if given is not None:
            return given
        systems = [system for one in self.templates if (system := self._evaluate(one, text)[1])]
        return "\n\n".join(systems) or None

    def remove_secrets(self, secrets: LazyScrubber) -> None:
        """Take secrets out of the texts that the templates name, since the user of a template may not have read them."""
        for group in ("fragments", "system_fragments"):
            if group in self.beside:
                self.beside[group] = [
                    Fragment(secrets(one.source).scrub(one, is_code=is_code_file(one.source)), one.source)
                    for one in self.beside[group]
                ]

    def _evaluate(self, template: Template, text: str) -> tuple[str | None, str | None]:
        try:
            return template.evaluate(text, self.given)
        except Template.MissingVariables as error:
            gives = " ".join(f"-p {name} …" for name in error.names)
            names = ", ".join(error.names)
            raise CellError(
                f"Template {template.name!r} needs a value for {names} (`{gives}`). Nothing was sent."
            ) from None
        except TemplateError as error:
            raise CellError(f"{error} Nothing was sent.") from None


def apply_templates(arguments: Arguments, shell: InteractiveShell) -> Applied:
    """Load the templates that a cell names, and add what they say to its options.

    Args:
        arguments: the options of the cell, which name templates or give values to them.
        shell: shows the Python code that a template would run.

    Raises:
        CellError: a template does not exist or cannot be read, or it needs `--trust`, which is not given.
    """
    if not arguments.templates:
        raise CellError("-p gives a value to a variable of a template: name the template with -t. Nothing was sent.")
    try:
        templates = [load_template(name) for name in arguments.templates]
    except TemplateError as error:
        raise CellError(f"{error} Nothing was sent.") from None
    _require_known(arguments.params, templates)
    _require_trust(arguments, templates, shell)
    brings_prompt = all("input" not in one.vars() for one in templates) and any(one.prompt for one in templates)
    return Applied(
        _with_options(arguments, templates),
        templates,
        arguments.params,
        _beside(templates),
        brings_prompt=brings_prompt,
    )


def _with_options(arguments: Arguments, templates: Sequence[Template]) -> Arguments:
    """Return the cell's options, with those of the templates where the cell has none of its own."""
    options: dict[str, str] = {}
    tools: list[str] = []
    changes: dict[str, Any] = {}
    for template in templates:
        options |= {key: _as_typed(value) for key, value in (template.options or {}).items()}
        tools += template.tools or []
        if template.model and arguments.model is None:
            changes["model"] = template.model
        if template.schema_object and arguments.schema is None and arguments.schema_multi is None:
            changes |= _schema_changes(template.schema_object)
        if (template.extract or template.extract_last) and not arguments.extract:
            changes["extract"] = "last" if template.extract_last else "first"
    codes = [code for code in [*(one.functions for one in templates), arguments.functions] if code]
    return replace(
        arguments,
        options={**options, **arguments.options},
        tools=[*dict.fromkeys([*tools, *arguments.tools])],
        functions="\n\n".join(codes) or None,
        **changes,
    )


def _schema_changes(schema: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the option for a stored schema. A schema of rows is stored with the object around it."""
    properties = schema.get("properties")
    rows = properties.get(ITEMS) if isinstance(properties, Mapping) and list(properties) == [ITEMS] else None
    item = rows.get("items") if isinstance(rows, Mapping) and rows.get("type") == "array" else None
    if not isinstance(item, Mapping):
        return {"schema": json.dumps(schema), "schema_multi": None}
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {"schema": None, "schema_multi": json.dumps({**item, **shared})}


def _require_known(params: Mapping[str, str], templates: Sequence[Template]) -> None:
    known = {name for one in templates for name in one.vars()} - {"input"}
    unknown = next((name for name in params if name not in known), None)
    if unknown is not None:
        has = f"It has {', '.join(sorted(known))}." if known else "It has none."
        raise CellError(
            f"No variable of the template is called {unknown}.{nearest(unknown, known)} {has} Nothing was sent."
        )


def _require_trust(arguments: Arguments, templates: Sequence[Template], shell: InteractiveShell) -> None:
    if arguments.trust:
        return
    for template in templates:
        files = [] if template.functions_are_own else _named_files(template)
        makers = [tool for tool in template.tools or [] if not tool.isidentifier()]
        if template.functions:
            code = str(template.functions)
            show_markdown(shell, fenced_text(code, "python"), code)
            what = "brings functions in Python, which a model could call. They are shown above: read them"
        elif makers:
            what = f"makes tools by running code: {', '.join(makers)}. Look at it"
        elif files:
            what = f"comes from elsewhere and would send files: {', '.join(files)}. Look at them"
        else:
            continue
        raise CellError(f"The template {template.name} {what}, and add --trust to use them. Nothing was sent.")


def _named_files(template: Template) -> list[str]:
    """Return the files and addresses that a template would read or fetch, and send."""
    typed = [one.value for one in template.attachment_types or []]
    return [*(template.fragments or []), *(template.system_fragments or []), *(template.attachments or []), *typed]


def _beside(templates: Sequence[Template]) -> dict[str, list[Any]]:
    """Return the texts and files that templates name, by the names of the arguments of a model's `chain()`."""
    loaders = get_fragment_loaders()
    loaded = [part for one in templates for part in _loaded(one.fragments, loaders)]
    typed = [[_attachment(one.type, one.value) for one in template.attachment_types or []] for template in templates]
    files = [[*(one.attachments or []), *made] for one, made in zip(templates, typed, strict=True)]
    named: dict[str, list[Any]] = {
        "fragments": [part for part in loaded if isinstance(part, Fragment)],
        "system_fragments": [
            part for one in templates for part in _loaded(one.system_fragments, loaders, allow_attachments=False)
        ],
        # What a loader brings may be a picture, as it may with -f.
        "attachments": [
            *(part for part in loaded if isinstance(part, Attachment)),
            *(file for of_one in files for file in of_one),
        ],
    }
    return {name: found for name, found in named.items() if found}


def _loaded(
    references: Sequence[str] | None, loaders: Mapping[str, Any], *, allow_attachments: bool = True
) -> list[Fragment | Attachment]:
    try:
        return resolve_fragments(references or [], loaders, otherwise=_file_text, allow_attachments=allow_attachments)
    except FragmentNotFound as error:
        raise CellError(f"{str(error).removesuffix('.')}. Nothing was sent.") from None


def _file_text(reference: str) -> Fragment | None:
    if reference.lower().startswith(ADDRESSES):
        return _page_text(reference)
    path = Path(reference).expanduser()
    try:
        return Fragment(path.read_text(encoding="utf-8"), str(path)) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise CellError(f"The fragment {reference} cannot be read ({error}). Nothing was sent.") from None


def _page_text(address: str) -> Fragment:
    try:
        content, _ = fetched(address)
        text = content if isinstance(content, str) else content.decode()
    except (OSError, ModelError, ValueError) as error:
        raise CellError(
            f"The fragment {address} cannot be read ({str(error).removesuffix('.')}). Nothing was sent."
        ) from None
    return Fragment(text, address)


def _attachment(kind: str, value: str) -> Attachment:
    is_address = value.lower().startswith(ADDRESSES)
    return Attachment(type=kind, url=value) if is_address else Attachment(type=kind, path=value)


def _as_typed(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
