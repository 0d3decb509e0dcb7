"""Templates: prompts with variables, stored as YAML files in the `llm` command's folder or loaded by plugins."""

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
    """Some variables of a template have no value.

    Attributes:
        names: the variables without a value, in the order of the text.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


class AttachmentType(BaseModel):
    """An attachment of a template with its MIME type. `value` is its path or URL."""

    model_config = ConfigDict(extra="forbid")

    type: str
    value: str


class Template(BaseModel):  # noqa: PLW1641  like other pydantic models it can change, so it has no hash
    """A stored prompt with variables, written `$name` or `${name}`. `$$` is a dollar sign.

    Attributes:
        name: the name that `load_template()` finds the template by.
        prompt: the text of the prompt, in which `$input` stands for the user's input. If it is None, the input is the prompt.
        system: the text of the system prompt.
        attachments: paths or URLs of attachments.
        attachment_types: attachments with their MIME types.
        model: id or alias of the model.
        defaults: default values of variables.
        options: the model's options.
        extract: use only the first fenced code block of the answer.
        extract_last: use only the last fenced code block of the answer.
        schema_object: JSON Schema of the answer.
        fragments: references to fragments.
        system_fragments: references to fragments for the system prompt.
        tools: names of tools.
        functions: Python code that defines functions to use as tools. This class never runs the code.
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

    # A private attribute, because a field could be set by the file itself.
    _from_own_file: bool = PrivateAttr(default=False)

    MissingVariables: ClassVar[type[MissingVariables]] = MissingVariables

    def __eq__(self, other: object) -> bool:
        """Compare the fields only, so that it does not matter where a template comes from."""
        return isinstance(other, Template) and self.model_dump() == other.model_dump()

    @property
    def functions_are_own(self) -> bool:
        """Whether the template, and with it the code in `functions`, comes from a file on this machine."""
        return self._from_own_file

    def evaluate(self, input: str, params: Mapping[str, Any] | None = None) -> tuple[str | None, str | None]:
        """Return the prompt and the system prompt, with their variables replaced by values.

        Args:
            input: the value of `$input`, and the prompt itself if the template has none.
            params: values of the other variables, which override `defaults`.

        Raises:
            Template.MissingVariables: a variable has no value.
            TemplateError: a `$` does not begin a variable.
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
        """Return the variables of the prompt and the system prompt."""
        return {name for text in (self.prompt, self.system) if text for name in _variables(text)}

    @classmethod
    def interpolate(cls, text: str | None, params: Mapping[str, Any]) -> str | None:
        """Return the text with its variables replaced by values.

        Raises:
            Template.MissingVariables: a variable has no value.
            TemplateError: a `$` does not begin a variable.
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

    @staticmethod
    def extract_vars(string_template: string.Template) -> list[str]:
        """Return the names of the variables in a `string.Template`, in order and without repetitions."""
        return _variables(string_template.template)

    def stringify(self) -> str:
        """Return the YAML text of a template file: all fields that are set, except the name."""
        fields = self.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        # The `llm` command reads these files in the system's encoding, which may not be UTF-8 on Windows.
        return yaml.dump(
            fields,
            Dumper=_Dumper,
            indent=4,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=os.name == "posix",
        )


TemplateLoader = Callable[[str], Template]
"""Takes what follows `prefix:` and returns the template."""


class LoaderSource(Protocol):
    """An object that knows the template loaders of the installed plugins."""

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Return the loaders by prefix."""


def load_template(name: str, *, loaders: Mapping[str, TemplateLoader] | None = None) -> Template:
    """Load a template by name.

    Args:
        name: `NAME` for the file NAME.yaml in the templates folder, the path of another YAML file, or `prefix:NAME` for
            a plugin's loader.
        loaders: the loaders by prefix; by default those of the installed plugins.

    Raises:
        TemplateError: there is no such template, or it cannot be read. The message says what is wrong and where.
    """
    halves = split_reference(name)
    path = _path_of(name)
    # A path may have a colon in it, as `C:\…` has, and then looks like a prefix.
    if halves is not None and not path.is_file():
        return _run_loader(name, *halves, _installed_loaders() if loaders is None else loaders)
    return _parse(name, path, _read(name, path))


def save_template(template: Template) -> Path:
    """Write a template to NAME.yaml in the templates folder and return the path. An existing file is replaced.

    Raises:
        TemplateError: the name cannot be a file name.
        ModelError: the file cannot be written; an existing one stays as it was.
    """
    name = template.name
    if not name.strip(". ") or not name.isprintable() or re.search(r'[<>:"/\\|?*]', name):
        raise TemplateError(f"{name!r} cannot name a template file: use letters, digits, '-' and '_'.")
    path = _folder(create=True) / f"{name}{_SUFFIX}"
    _template_file(path.absolute()).update(lambda _: template.stringify())
    return path


def list_templates() -> list[Template]:
    """Return the templates in the templates folder, sorted by name. A template that cannot be read causes a warning."""
    templates = []
    for name in _names():
        try:
            templates.append(load_template(name, loaders={}))
        except TemplateError as error:
            warnings.warn(str(error), ConfigurationWarning, stacklevel=2)
    return templates


class _TemplateFile(ConfigurationFile[str | None]):
    """A template file, written like the other configuration files: under a lock, and either completely or not at all."""

    def empty(self) -> str | None:
        return None

    def decode(self, text: str) -> str | None:
        return text

    def encode(self, value: str | None) -> str | None:
        return value


class _Dumper(yaml.SafeDumper):
    """A YAML writer that writes text of several lines as a block, as people do."""


def _block_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Unless they are quoted, PyYAML reads the rarer line breaks back as different ones.
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
    """Return the path of a template's file, which need not exist.

    The path is in the templates folder, unless the name itself looks like a path.
    """
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


def _parse(name: str, path: Path, text: str) -> Template:
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
    """Return the variables in a text, in order and without repetitions."""
    matches = string.Template.pattern.finditer(text)
    names = (match["named"] or match["braced"] for match in matches)
    return list(dict.fromkeys(name for name in names if name))
