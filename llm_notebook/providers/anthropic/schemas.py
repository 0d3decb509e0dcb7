"""JSON Schemas in the form that Anthropic's structured outputs accept. No I/O.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.messages import json_text

__all__ = ["strict_schema"]

# Keywords that the API accepts unchanged.
_SUPPORTED = frozenset({"$ref", "type", "enum", "const", "title", "description", "required"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
# Keywords that are left out, because they do not constrain the answer.
_IGNORED = frozenset({"$schema", "$id", "additionalProperties", "default"})


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with closed objects, and with the constraints that the API refuses as text in the descriptions."""
    strict: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
            strict[keyword] = {name: _strict(inner) for name, inner in value.items()}
        elif keyword in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            strict["allOf" if keyword == "allOf" else "anyOf"] = [_strict(inner) for inner in value]
        elif keyword == "items":
            strict[keyword] = _strict(value)
        elif _is_supported(keyword, value):
            strict[keyword] = value
        elif keyword not in _IGNORED:
            limits[keyword] = value
    if schema.get("type") == "object" or "properties" in schema:
        strict = {"properties": {}, **strict, "additionalProperties": False}
    if limits:
        text = ", ".join(f"{keyword}: {json_text(value)}" for keyword, value in limits.items())
        strict["description"] = "\n\n".join(filter(None, [strict.get("description"), text]))
    return strict


def _strict(schema: object) -> object:
    """Return an inner schema in strict form. JSON Schema also allows True and False, which stay as they are."""
    return strict_schema(schema) if isinstance(schema, dict) else schema


def _is_supported(keyword: str, value: object) -> bool:
    return (
        keyword in _SUPPORTED
        or (keyword == "format" and value in _FORMATS)
        or (keyword == "minItems" and value in (0, 1))
    )
