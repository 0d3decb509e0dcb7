"""JSON Schemas as Anthropic's structured outputs take them. No I/O.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.messages import json_text

__all__ = ["strict_schema"]

_TAKEN = frozenset({"$ref", "type", "enum", "const", "title", "description", "required"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_UNTOLD = frozenset({"$schema", "$id", "additionalProperties", "default"})


def strict_schema(schema: Any) -> Any:
    """The schema with closed objects; constraints that the API refuses are told to the model in the description instead."""
    if not isinstance(schema, dict):
        return schema
    strict: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
            strict[keyword] = {name: strict_schema(inner) for name, inner in value.items()}
        elif keyword in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            strict["allOf" if keyword == "allOf" else "anyOf"] = [strict_schema(inner) for inner in value]
        elif keyword == "items":
            strict[keyword] = strict_schema(value)
        elif keyword in _TAKEN or (keyword == "format" and value in _FORMATS) or (keyword == "minItems" and value <= 1):
            strict[keyword] = value
        elif keyword not in _UNTOLD:
            told[keyword] = value
    if schema.get("type") == "object" or "properties" in schema:
        strict = {"properties": {}, **strict, "additionalProperties": False}
    if told:
        limits = ", ".join(f"{keyword}: {json_text(value)}" for keyword, value in told.items())
        strict["description"] = "\n\n".join(filter(None, [strict.get("description"), limits]))
    return strict
