"""Templates: prompts with variables, kept as YAML files in the folder that the `llm` command uses, or loaded by plugins."""

from __future__ import annotations

import difflib
import functools
import os
import re
import string
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from llm_notebook.configuration.files import ConfigurationFile, ConfigurationWarning
from llm_notebook.configuration.folders import OWN_FOLDER, user_dir
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, TemplateError
from llm_notebook.templates.fragments import split_reference, unknown_prefix

__all__ = ["AttachmentType", "Template", "TemplateLoader", "list_templates", "load_template", "save_template"]

_SUFFIX = ".yaml"


class MissingVariables(TemplateError):
    """Variables of a template were given no value.

    Attributes:
        names: the variables, in the order of the text.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


class AttachmentType(BaseModel):
    """An attachment of a template whose MIME type is given: `value` is its path or address."""

    model_config = ConfigDict(extra="forbid")

    type: str
    value: str


class Template(BaseModel):  # noqa: PLW1641  like other pydantic models it can change, so it has no hash
    """A prompt to be used again, with variables as `$name` or `${name}`; `$$` is a dollar sign.

    Attributes:
        name: what `load_template()` knows it by.
        prompt: the prompt's text; `$input` in it is what the user gives. Without it the user's input is the prompt.
        system: the system prompt's text.
        attachments: paths or addresses.
        attachment_types: attachments whose MIME type is given.
        model: id or alias of the model to ask.
        defaults: values of variables that are given none.
        options: the model's options.
        extract: the answer is its first fenced code block.
        extract_last: the answer is its last fenced code block.
        schema_object: JSON Schema that the answer must fit.
        fragments: references to fragments.
        system_fragments: references to fragments of the system prompt.
        tools: names of tools.
        functions: Python code whose functions are tools. Nothing here runs it.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    prompt: str | None = None
    system: str | None = None
    attachments: list[str] | None = None
    attachment_types: list[AttachmentType] | None = None
    model: str | None = None
    defaults: dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    extract: bool | None = None
    extract_last: bool | None = None
    schema_object: dict[str, Any] | None = None
    fragments: list[str] | None = None
    system_fragments: list[str] | None = None
    tools: list[str] | None = None
    functions: str | None = None

    # Not a field: a file must not be able to say it of itself.
    _from_own_file: bool = PrivateAttr(default=False)

    MissingVariables: ClassVar[type[MissingVariables]] = MissingVariables

    def __eq__(self, other: object) -> bool:
        """Templates are equal when their fields are, wherever they come from."""
        return isinstance(other, Template) and self.model_dump() == other.model_dump()

    @property
    def functions_are_own(self) -> bool:
        """True if the template, and so the code in `functions`, comes from a file on this machine."""
        return self._from_own_file

    def evaluate(self, input: str, params: Mapping[str, Any] | None = None) -> tuple[str | None, str | None]:  # noqa: A002
        """The prompt and the system prompt, with values for their variables.

        Args:
            input: what `$input` stands for, and the prompt where the template has none.
            params: values of the other variables; they win over `defaults`.

        Raises:
            Template.MissingVariables: a variable has no value.
            TemplateError: a `$` begins no variable.
        """
        values = {**(self.defaults or {}), **(params or {}), "input": input}
        try:
            return (self.interpolate(self.prompt, values) if self.prompt else input), self.interpolate(
                self.system, values
            )
        except MissingVariables as error:
            raise MissingVariables(f"Template {self.name!r}: {error}", error.names) from None
        except TemplateError as error:
            raise TemplateError(f"Template {self.name!r}: {error}") from None

    def vars(self) -> set[str]:
        """The variables in the prompt and the system prompt."""
        return {name for text in (self.prompt, self.system) if text for name in _variables(text)}

    @classmethod
    def interpolate(cls, text: str | None, params: Mapping[str, Any]) -> str | None:
        """The text with values for its variables.

        Raises:
            Template.MissingVariables: a variable has no value.
            TemplateError: a `$` begins no variable.
        """
        if not text:
            return text
        missing = tuple(name for name in _variables(text) if name not in params)
        if missing:
            raise MissingVariables(f"Missing variables: {', '.join(missing)}. Give each a value.", missing)
        try:
            return string.Template(text).substitute(params)
        except ValueError as error:
            where = re.search(r"line \d+, col \d+", str(error))
            place = f" at {where[0]}" if where else ""
            raise TemplateError(f"A '$'{place} begins no variable: write $$ for a dollar sign.") from None

    def stringify(self) -> str:
        """The YAML text of a template file: what is set, without the name."""
        fields = self.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        # The `llm` command reads these files in the system's encoding, which outside POSIX need not be UTF-8.
        return yaml.dump(
            fields,
            Dumper=_Dumper,
            indent=4,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=os.name == "posix",
        )


TemplateLoader = Callable[[str], Template]
"""Given what follows `prefix:`, gives the template."""


class LoaderSource(Protocol):
    """Knows the template loaders of installed plugins."""

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """The loaders by prefix."""


def load_template(name: str, *, loaders: Mapping[str, TemplateLoader] | None = None) -> Template:
    """The template of that name.

    Args:
        name: `NAME` for the file NAME.yaml in the templates folder, the path of another YAML file, or `prefix:NAME` for
            a plugin's loader.
        loaders: by prefix; those of the installed plugins if not given.

    Raises:
        TemplateError: there is none, or it cannot be read; the message says what is wrong and where.
    """
    halves = split_reference(name)
    path = _path_of(name)
    if halves is not None and not path.is_file():
        return _run_loader(name, *halves, _installed_loaders() if loaders is None else loaders)
    return _parsed(name, path, _read(name, path))


def save_template(template: Template) -> Path:
    """Write a template to NAME.yaml in the templates folder, in place of one of that name, and give the path.

    Raises:
        TemplateError: the name cannot be a file name.
        ModelError: the file cannot be written; it is as it was.
    """
    name = template.name
    if not name.strip(". ") or not name.isprintable() or re.search(r'[<>:"/\\|?*]', name):
        raise TemplateError(f"{name!r} cannot name a template file: use letters, digits, '-' and '_'.")
    path = _folder(create=True) / f"{name}{_SUFFIX}"
    _template_file(path.absolute()).update(lambda _: template.stringify())
    return path


def list_templates() -> list[Template]:
    """The templates in the templates folder, by name. One that cannot be read costs a warning."""
    templates = []
    for name in _names():
        try:
            templates.append(load_template(name, loaders={}))
        except TemplateError as error:
            warnings.warn(str(error), ConfigurationWarning, stacklevel=2)
    return templates


class _TemplateFile(ConfigurationFile[str | None]):
    """A template's text, written as small configuration files are: locked, whole or not at all."""

    def empty(self) -> str | None:
        return None

    def decode(self, text: str) -> str | None:
        return text

    def encode(self, value: str | None) -> str | None:
        return value


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, the way people do."""


def _block_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes the rarer line breaks such that it reads others back, unless they are quoted.
    style = '"' if set(text) & set("\x85\u2028\u2029") else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _block_text)


@functools.lru_cache(maxsize=8)
def _template_file(path: Path) -> _TemplateFile:
    return _TemplateFile(path, lock_path=path.parent.parent / OWN_FOLDER / "templates.lock")


def _folder(*, create: bool = False) -> Path:
    folder = user_dir(create=create) / "templates"
    if create:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ModelError(f"The folder {folder} cannot be created ({error.strerror}).") from error
    return folder


def _names() -> list[str]:
    return sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}") if path.is_file())


def _path_of(name: str) -> Path:
    """The file of a name; it need not be there. Only what looks like a path leads out of the templates folder."""
    given = Path(name).expanduser()
    if len(given.parts) > 1 or (given.suffix in (_SUFFIX, ".yml") and given.is_file()):
        return given
    return _folder() / f"{name}{_SUFFIX}"


def _read(name: str, path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        names = _names()
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise TemplateError(f"There is no template {name!r} (looked for {path}).{hint}") from None
    except UnicodeDecodeError:
        raise TemplateError(f"The template {path} is not UTF-8 text: save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise TemplateError(f"The template {path} cannot be read ({said}).") from error


def _parsed(name: str, path: Path, text: str) -> Template:
    try:
        fields = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise TemplateError(f"The template {path} is not valid YAML ({_fault(error)}): correct it there.") from None
    if fields is None:
        raise TemplateError(f"The template {path} is empty: write the prompt into it.")
    if isinstance(fields, list):
        raise TemplateError(f"The template {path} holds a list: write the prompt alone, or fields such as `prompt: …`.")
    if not isinstance(fields, dict):
        fields = {"prompt": fields if isinstance(fields, str) else text.strip()}
    try:
        template = Template.model_validate({**fields, "name": name})
    except (ValidationError, TypeError) as error:
        raise TemplateError(f"The template {path} cannot be used: {_wrong_field(error)}") from None
    template._from_own_file = True
    return template


def _fault(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or error.context}"
    return " ".join(str(error).split()) or "it is nested too deeply"


def _wrong_field(error: ValidationError | TypeError) -> str:
    if not isinstance(error, ValidationError):
        return "its fields must have names that are text."
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(name for name in Template.model_fields if name != "name")
        return (
            f"it has no field {field!r}. The fields are {known}. If it is the text of a prompt, put `prompt: |` above it "
            "and indent it."
        )
    return f"{field}: {first['msg']}, not {repr(first['input'])[:60]}."


def _installed_loaders() -> dict[str, TemplateLoader]:
    return cast("LoaderSource", process.answer("template loaders")).template_loaders()


def _run_loader(name: str, prefix: str, argument: str, loaders: Mapping[str, TemplateLoader]) -> Template:
    if prefix not in loaders:
        raise TemplateError(unknown_prefix(name, "template", loaders))
    try:
        template = loaders[prefix](argument)
    except ModelError as error:
        raise TemplateError(f"The template {name!r} could not be loaded: {error}") from error
    except Exception as error:
        raise TemplateError(
            f"The template {name!r} could not be loaded ({' '.join(f'{type(error).__name__}: {error}'.split())})."
        ) from error
    if not isinstance(template, Template):
        raise TemplateError(
            f"The loader of {name!r} gave {type(template).__name__}, not a Template: its plugin has to be mended."
        )
    return template


def _variables(text: str) -> list[str]:
    """The variables in a text, in order, each once."""
    matches = string.Template.pattern.finditer(text)
    names = (match["named"] or match["braced"] for match in matches)
    return list(dict.fromkeys(name for name in names if name))
