"""Reads from a function's signature which arguments a model may give it.

`read_signature()` makes two things from a function: a JSON Schema for the model to read, and a pydantic class that checks and converts what the
model then writes. Both come from the same annotations, so they cannot disagree. Most of this file deals with functions that pydantic alone
would not accept:

- **Names.** A parameter may be called `_x`, `json` or `model_config`; a pydantic field may not. So the fields are called p0, p1, … and
  carry the parameter's name as their alias.
- **Annotations that cannot be evaluated**, for instance because a name was imported under `if TYPE_CHECKING:`. They count as missing;
  the others are still used.
- **Types without a JSON form**, such as a database connection. The first attempt includes all parameters. If it fails, each parameter is tried
  by itself: one with a default is hidden from the model, and one without is an error, since the function could never be called.
- **Wrappers.** Decorators, `functools.partial` and objects with `__call__` can be nested. Arguments that a partial has bound are hidden from
  the model, even if the function takes `**kwargs`: one may be a password.

Making the pydantic class takes longer than a whole round of a chain, and every chain describes its tools, so signatures are cached, but only
those that use built-in types alone. A class that the user has defined may be defined again, under the same name, in the next cell.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from llm_notebook.tools.annotations import as_pydantic_reads, describe_fields
from llm_notebook.tools.callables import bound_by_partial, type_hints
from llm_notebook.tools.schemas import without_secret_defaults, without_titles

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

__all__ = ["TOOL_CALL_PARAMETER", "ToolSignature", "read_signature"]

TOOL_CALL_PARAMETER = "llm_tool_call"
"""A parameter with this name receives the `ToolCall` and is not shown to the model."""

_PLAIN_TYPES = (
    str,
    int,
    float,
    bool,
    bytes,
    list,
    dict,
    tuple,
    set,
    None,
    types.NoneType,
    Any,
    inspect.Parameter.empty,
    ...,
)
_PLAIN_ORIGINS = (list, dict, tuple, set, typing.Union, types.UnionType)
_PLAIN_DEFAULTS = (str, int, float, bool, types.NoneType, type(inspect.Parameter.empty))


@dataclass(frozen=True, slots=True)
class ToolSignature:
    """The arguments of one function, as a model sees them and as they are checked.

    Attributes:
        parameters: the names of the parameters that a model may give, in order.
        hidden: the names of parameters that a model must not give, even if the function takes `**kwargs`.
        takes_extra: whether the function takes `**kwargs`.
        takes_tool_call: whether the function has a parameter `llm_tool_call`.
        model: a pydantic class with one field per parameter. The fields are called p0, p1, … and have the parameter's name as alias.
        filled: the fields whose default is in a pydantic `Field(...)`. Python would pass on the `Field` object itself, so such an
            argument is always given.
        null_by_default: the names of the parameters whose default is None. Models often write null instead of leaving them out.
        schema: the JSON Schema of the arguments, an object schema without titles.
    """

    parameters: tuple[str, ...]
    hidden: frozenset[str]
    takes_extra: bool
    takes_tool_call: bool
    model: type[BaseModel]
    filled: frozenset[str]
    null_by_default: frozenset[str]
    schema: dict[str, Any]

    def arguments_of(self, validated: BaseModel) -> dict[str, Any]:
        """Return keyword arguments for the function. Arguments that the model did not give are left out."""
        given = validated.model_fields_set | self.filled
        named = {name: getattr(validated, f"p{i}") for i, name in enumerate(self.parameters) if f"p{i}" in given}
        return {**named, **(validated.model_extra or {})}


def read_signature(function: Callable[..., object], name: str) -> ToolSignature:
    """Read a function's signature.

    Left out are `*args`, `llm_tool_call`, the arguments that a `functools.partial` has bound, and parameters that have a default and a
    type without a JSON form.

    Args:
        function: a function, coroutine function, bound method, `functools.partial` or object with `__call__`.
        name: the tool's name, for error messages.

    Raises:
        ValueError: the signature cannot be read, or a model cannot write a parameter that is required.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        raise ValueError(
            f"Tool {name!r}: Python cannot tell the arguments of {function!r}; wrap it in a function of your own."
        ) from None
    hints = type_hints(function)
    hidden = {TOOL_CALL_PARAMETER, *bound_by_partial(function)}
    parameters: list[_Parameter] = []
    extra: object = None
    for parameter in signature.parameters.values():
        kind = parameter.kind
        if kind is parameter.VAR_KEYWORD:
            extra = hints.get(parameter.name, Any)
        elif kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
            raise ValueError(
                f"Tool {name!r}: {parameter.name!r} can be given by position only, and models give arguments by name; "
                "wrap it in a function of your own."
            )
        elif kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) and parameter.name not in hidden:
            parameters.append(_Parameter(parameter.name, _annotation(parameter, hints), parameter.default))
    takes_tool_call = TOOL_CALL_PARAMETER in signature.parameters
    shape = _Shape(name, tuple(parameters), frozenset(hidden), extra, takes_tool_call)
    return _describe_once(shape.told_apart()) if shape.is_plain else _describe(shape)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter that the model may give. A missing annotation or default is `inspect.Parameter.empty`."""

    name: str
    annotation: object
    default: object


@dataclass(frozen=True, slots=True)
class _Shape:
    """Everything that a ToolSignature is made from.

    Attributes:
        name: the tool's name.
        parameters: the parameters that the model may give.
        hidden: see ToolSignature.
        extra: the annotation of `**kwargs`; None if the function takes none.
        takes_tool_call: see ToolSignature.
        differences: distinguishes shapes that Python considers equal; see `told_apart()`.
    """

    name: str
    parameters: tuple[_Parameter, ...]
    hidden: frozenset[str]
    extra: object
    takes_tool_call: bool
    differences: tuple[tuple[str, type], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the shape always means the same, because it contains no class of the user's. Only then may it be cached."""
        return all(
            _is_plain(parameter.annotation) and type(parameter.default) in _PLAIN_DEFAULTS
            for parameter in self.parameters
        ) and self.extra in (None, Any)

    def told_apart(self) -> _Shape:
        """Return the shape as a cache key. `int | str` equals `str | int` and a default of 1 equals True, but their schemas differ."""
        spelled = [(repr(parameter.annotation), type(parameter.default)) for parameter in self.parameters]
        return replace(self, differences=tuple(spelled))


def _is_plain(annotation: object) -> bool:
    if typing.get_origin(annotation) is typing.Literal:
        return True
    if arguments := typing.get_args(annotation):
        return typing.get_origin(annotation) in _PLAIN_ORIGINS and all(map(_is_plain, arguments))
    return annotation in _PLAIN_TYPES


@functools.lru_cache(maxsize=256)
def _describe_once(shape: _Shape) -> ToolSignature:
    return _describe(shape)


def _describe(shape: _Shape) -> ToolSignature:
    fields = {parameter.name: _field(parameter) for parameter in shape.parameters}
    defaults = {parameter.name: parameter.default for parameter in shape.parameters}
    hidden = shape.hidden
    try:
        model = _arguments_class(shape.name, fields, shape.extra)
        schema = _json_schema(model)
    except _unwritable():
        fields = {
            parameter.name: fields[parameter.name]
            for parameter in shape.parameters
            if _is_writable(parameter, shape.name)
        }
        hidden |= defaults.keys() - fields.keys()
        model = _arguments_class(shape.name, fields, shape.extra)
        schema = _json_schema(model)
    describe_fields(schema, [parameter.annotation for parameter in shape.parameters])
    return ToolSignature(
        parameters=tuple(fields),
        hidden=hidden,
        takes_extra=shape.extra is not None,
        takes_tool_call=shape.takes_tool_call,
        model=model,
        filled=frozenset(
            f"p{i}"
            for i, key in enumerate(fields)
            if _is_field_info(defaults[key]) and not model.model_fields[f"p{i}"].is_required()
        ),
        null_by_default=frozenset(
            key
            for i, key in enumerate(fields)
            if not model.model_fields[f"p{i}"].is_required() and model.model_fields[f"p{i}"].default is None
        ),
        schema=schema,
    )


def _annotation(parameter: inspect.Parameter, hints: dict[str, Any]) -> object:
    plain = parameter.empty if isinstance(parameter.annotation, str) else parameter.annotation
    return hints.get(parameter.name, plain)


def _is_field_info(value: object) -> bool:
    from pydantic.fields import FieldInfo  # pydantic is slow to import

    return isinstance(value, FieldInfo)


def _field(parameter: _Parameter) -> tuple[object, object]:
    """Return the annotation and the `Field` of a parameter, as `pydantic.create_model()` takes them."""
    from pydantic import Field, WithJsonSchema  # pydantic is slow to import

    annotation, empty = parameter.annotation, inspect.Parameter.empty
    if annotation is empty:
        annotation = Annotated[Any, WithJsonSchema({"type": "string"})]
    else:
        annotation = as_pydantic_reads(annotation)
    if parameter.default is empty:
        return annotation, Field(alias=parameter.name)
    if _is_field_info(parameter.default):
        return Annotated[annotation, parameter.default], Field(alias=parameter.name)
    return annotation, Field(parameter.default, alias=parameter.name)


def _unwritable() -> tuple[type[Exception], ...]:
    """Return the errors that pydantic raises for a type without a JSON form."""
    from pydantic.errors import PydanticUserError  # pydantic is slow to import

    return PydanticUserError, NameError, TypeError


def _is_writable(parameter: _Parameter, name: str) -> bool:
    """Return whether a model can write the parameter as JSON.

    Raises:
        ValueError: it cannot, and the parameter has no default.
    """
    try:
        _json_schema(_arguments_class(name, {parameter.name: _field(parameter)}, None))
    except _unwritable() as error:
        if parameter.default is not inspect.Parameter.empty:
            return False
        annotation = inspect.formatannotation(parameter.annotation)
        raise ValueError(
            f"Tool {name!r}: a model cannot write the argument {parameter.name!r}, which is annotated {annotation}; "
            "annotate it with a type that has a JSON form, or give it a default."
        ) from error
    return True


def _arguments_class(name: str, fields: dict[str, tuple[object, object]], extra: object) -> type[BaseModel]:
    from pydantic import BaseModel, ConfigDict, create_model  # pydantic is slow to import

    config = ConfigDict(
        coerce_numbers_to_str=True, arbitrary_types_allowed=True, extra="ignore" if extra is None else "allow"
    )
    namespace: dict[str, Any] = {"model_config": config, "__module__": __name__}
    if extra is not None:
        namespace["__annotations__"] = {"__pydantic_extra__": types.GenericAlias(dict, (str, extra))}
    base = type("Arguments", (BaseModel,), namespace)
    numbered: dict[str, Any] = {f"p{i}": field for i, field in enumerate(fields.values())}
    return create_model(name, __base__=base, **numbered)


def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind  # pydantic is slow to import

    class Quiet(GenerateJsonSchema):
        def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
            """Warn, but not about a default without a JSON form, which is left out of the schema without harm."""
            if kind != "non-serializable-default":
                super().emit_warning(kind, detail)

    return without_secret_defaults(without_titles(model.model_json_schema(schema_generator=Quiet)))
