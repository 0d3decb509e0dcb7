"""What a function's signature says about the arguments that a model may give it."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

__all__ = ["TOOL_CALL_PARAMETER", "ToolSignature", "described_callable", "read_signature", "without_titles"]

TOOL_CALL_PARAMETER = "llm_tool_call"
"""A parameter of this name receives the `ToolCall` and is not shown to the model."""

_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_PLAIN_VALUES = ("const", "enum", "examples")
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
        parameters: names of the parameters that a model may give, in order.
        hidden: names of parameters that a model must not give, not even where the function has `**kwargs`.
        takes_extra: the function has `**kwargs`.
        takes_tool_call: the function has a parameter `llm_tool_call`.
        model: pydantic class with one field per parameter, whose alias is the parameter's name. The fields themselves are called
            p0, p1, …, since a parameter may be called `_x`, `json` or `model_config`, which a field may not.
        filled: fields whose default stands in a pydantic `Field(...)`, which Python itself would pass on as it is.
        schema: JSON Schema of the arguments, an object schema without titles.
    """

    parameters: tuple[str, ...]
    hidden: frozenset[str]
    takes_extra: bool
    takes_tool_call: bool
    model: type[BaseModel]
    filled: frozenset[str]
    schema: dict[str, Any]

    def arguments_of(self, validated: BaseModel) -> dict[str, Any]:
        """Keyword arguments for the function: those that were given, under their parameters' names."""
        given = validated.model_fields_set | self.filled
        named = {name: getattr(validated, f"p{i}") for i, name in enumerate(self.parameters) if f"p{i}" in given}
        return {**named, **(validated.model_extra or {})}


def read_signature(function: Callable[..., Any], name: str) -> ToolSignature:
    """Read a function's signature.

    Left out are `*args`, `llm_tool_call`, what a `functools.partial` has bound, and parameters that have a default and a type
    that cannot be written as JSON.

    Args:
        function: a function, coroutine function, bound method, `functools.partial` or object with `__call__`.
        name: the tool's name, for error messages.

    Raises:
        ValueError: the signature cannot be read, or a parameter cannot be given by a model.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        raise ValueError(
            f"Tool {name!r}: Python cannot tell the arguments of {function!r}; wrap it in a function of your own."
        ) from None
    hints = _type_hints(function)
    hidden = {TOOL_CALL_PARAMETER, *_bound_by_partial(function)}
    asked: list[_Asked] = []
    extra: Any = None
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
            asked.append(_Asked(parameter.name, _annotation(parameter, hints), parameter.default))
    takes_tool_call = TOOL_CALL_PARAMETER in signature.parameters
    question = (name, tuple(asked), frozenset(hidden), extra, takes_tool_call)
    if all(_is_plain(one.annotation) and type(one.default) in _PLAIN_DEFAULTS for one in asked) and extra in (
        None,
        Any,
    ):
        return _read_before(tuple((repr(one.annotation), type(one.default)) for one in asked), *question)
    return _read(*question)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A parameter that a model is to give; a `default` of `inspect.Parameter.empty` means none."""

    name: str
    annotation: Any
    default: Any


def _is_plain(annotation: Any) -> bool:
    """The annotation means the same for ever: no class of the user's is in it."""
    if typing.get_origin(annotation) is typing.Literal:
        return True
    if arguments := typing.get_args(annotation):
        return typing.get_origin(annotation) in _PLAIN_ORIGINS and all(map(_is_plain, arguments))
    return annotation in _PLAIN_TYPES


@functools.lru_cache(maxsize=256)
def _read_before(told_apart: Any, *question: Any) -> ToolSignature:  # noqa: ARG001  part of the key
    """`_read()`, remembered: every chain describes its tools, and building a pydantic class takes longer than a round of it.

    Args:
        told_apart: what makes a difference between equal questions: `int | str` or `str | int`, a default of 1 or of True.
        question: what `_read()` takes.
    """
    return _read(*question)


def _read(
    name: str, asked: tuple[_Asked, ...], hidden: frozenset[str], extra: Any, takes_tool_call: bool
) -> ToolSignature:
    fields = {one.name: _field(one) for one in asked}
    defaults = {one.name: one.default for one in asked}
    try:
        model = _model(name, fields, extra)
        schema = _json_schema(model)
    except _unwritable():
        fields = {one.name: fields[one.name] for one in asked if _is_writable(one, name)}
        hidden |= defaults.keys() - fields.keys()
        model = _model(name, fields, extra)
        schema = _json_schema(model)
    return ToolSignature(
        parameters=tuple(fields),
        hidden=hidden,
        takes_extra=extra is not None,
        takes_tool_call=takes_tool_call,
        model=model,
        filled=frozenset(
            f"p{i}"
            for i, key in enumerate(fields)
            if _is_field_info(defaults[key]) and not model.model_fields[f"p{i}"].is_required()
        ),
        schema=schema,
    )


def without_titles(schema: Any) -> Any:
    """A copy of a JSON Schema without its titles; a property that is called "title" stays."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SCHEMA_MAPS and isinstance(value, dict):
            kept[key] = {name: without_titles(item) for name, item in value.items()}
        elif key in _PLAIN_VALUES or (key == "default" and _is_json(value)):
            kept[key] = value
        elif key not in ("title", "default"):
            kept[key] = without_titles(value)
    return kept


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def described_callable(function: Any) -> Any:
    """What carries the name and the docstring of a callable: for a `functools.partial` or an object, wrapped or not, what is inside."""
    base = inspect.unwrap(function)
    while isinstance(base, functools.partial):
        function = base.func
        base = inspect.unwrap(function)
    return function if hasattr(base, "__name__") else base


def _bound_by_partial(function: Callable[..., Any]) -> set[str]:
    bound: set[str] = set()
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        bound.update(function.keywords)
        function = inspect.unwrap(function.func)
    return bound


def _annotated(function: Any) -> Any:
    """The object that carries the annotations of a callable."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    if inspect.isclass(function):
        return function.__init__
    return function if hasattr(function, "__name__") else type(function).__call__


def _type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Type hints by parameter name; one that cannot be evaluated counts as no annotation."""
    target = _annotated(function)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:
        names = getattr(inspect.unwrap(target), "__globals__", {})
        hints: dict[str, Any] = {}
        for name, annotation in getattr(target, "__annotations__", {}).items():
            single = types.SimpleNamespace(__annotations__={name: annotation})
            try:
                hints.update(typing.get_type_hints(single, globalns=names, include_extras=True))
            except Exception:  # noqa: S112  the model is told "string", and the argument is passed on as it comes
                continue
        return hints


def _annotation(parameter: inspect.Parameter, hints: dict[str, Any]) -> Any:
    plain = parameter.empty if isinstance(parameter.annotation, str) else parameter.annotation
    return hints.get(parameter.name, plain)


def _is_field_info(value: Any) -> bool:
    from pydantic.fields import FieldInfo  # pydantic is slow to import

    return isinstance(value, FieldInfo)


def _field(asked: _Asked) -> tuple[Any, Any]:
    from pydantic import Field, WithJsonSchema  # pydantic is slow to import

    annotation, empty = asked.annotation, inspect.Parameter.empty
    if annotation is empty:
        annotation = Annotated[Any, WithJsonSchema({"type": "string"})]
    elif sys.version_info < (3, 12):
        annotation = _with_known_typed_dicts(annotation)
    if asked.default is empty:
        return annotation, Field(alias=asked.name)
    if _is_field_info(asked.default):
        return Annotated[annotation, asked.default], Field(alias=asked.name)
    return annotation, Field(asked.default, alias=asked.name)


def _with_known_typed_dicts(annotation: Any) -> Any:
    """The annotation with each `typing.TypedDict` as one of typing_extensions: pydantic reads no others before Python 3.12."""
    import typing_extensions  # comes with pydantic

    if typing.is_typeddict(annotation) and type(annotation).__module__ == "typing":
        hints = typing.get_type_hints(annotation, include_extras=True)
        required = dict.fromkeys(annotation.__required_keys__, typing_extensions.Required)
        fields = {
            key: hint
            if typing.get_origin(hint) in (typing.Required, typing.NotRequired)
            else required.get(key, typing_extensions.NotRequired)[_with_known_typed_dicts(hint)]
            for key, hint in hints.items()
        }
        return typing_extensions.TypedDict(annotation.__name__, fields)  # type: ignore[operator]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return Annotated[(_with_known_typed_dicts(arguments[0]), *arguments[1:])]
    if origin is None or origin is typing.Literal:
        return annotation
    changed = tuple(_with_known_typed_dicts(argument) for argument in arguments)
    if all(new is old for new, old in zip(changed, arguments, strict=True)):
        return annotation
    return typing.Union[changed] if origin in (typing.Union, types.UnionType) else origin[changed]  # noqa: UP007  built at run time


def _unwritable() -> tuple[type[Exception], ...]:
    """What pydantic raises for a type that has no JSON form."""
    from pydantic.errors import PydanticUserError  # pydantic is slow to import

    return PydanticUserError, NameError, TypeError


def _is_writable(asked: _Asked, name: str) -> bool:
    try:
        _json_schema(_model(name, {asked.name: _field(asked)}, None))
    except _unwritable() as error:
        if asked.default is not inspect.Parameter.empty:
            return False
        annotation = inspect.formatannotation(asked.annotation)
        raise ValueError(
            f"Tool {name!r}: a model cannot write the argument {asked.name!r}, which is annotated {annotation}; "
            "annotate it with a type that has a JSON form, or give it a default."
        ) from error
    return True


def _model(name: str, fields: dict[str, tuple[Any, Any]], extra: Any) -> type[BaseModel]:
    from pydantic import BaseModel, ConfigDict, create_model  # pydantic is slow to import

    config = ConfigDict(
        coerce_numbers_to_str=True, arbitrary_types_allowed=True, extra="ignore" if extra is None else "allow"
    )
    namespace: dict[str, Any] = {"model_config": config, "__module__": __name__}
    if extra is not None:
        namespace["__annotations__"] = {"__pydantic_extra__": dict[str, extra]}
    base = type("Arguments", (BaseModel,), namespace)
    numbered: dict[str, Any] = {f"p{i}": field for i, field in enumerate(fields.values())}
    return create_model(name, __base__=base, **numbered)


def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema  # pydantic is slow to import

    class Quiet(GenerateJsonSchema):
        """A default without a JSON form is left out, which needs no warning."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  the name is pydantic's

    schema: dict[str, Any] = without_titles(model.model_json_schema(schema_generator=Quiet))
    return schema
