"""Schemas in the form that OpenAI's strict mode accepts: every object is closed, and every field is required. No I/O.

Source: https://platform.openai.com/docs/guides/structured-outputs
"""

from __future__ import annotations

from typing import Any

__all__ = ["strict_schema"]

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions", "patternProperties")


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in strict form. It is stricter: a field that may be missing becomes required."""
    strict = {name: _inner(name, value) for name, value in schema.items() if name != "default"}
    if "properties" in strict or strict.get("type") == "object":
        strict["additionalProperties"] = False
        strict["properties"] = strict.get("properties", {})
        strict["required"] = list(strict["properties"])
    if "oneOf" in strict:
        strict["anyOf"] = [*strict.pop("oneOf"), *strict.get("anyOf", [])]
    alternatives = strict.get("allOf")
    if isinstance(alternatives, list) and len(alternatives) == 1:
        strict |= strict.pop("allOf")[0]
    return strict


def _inner(name: str, value: object) -> Any:
    if name in _MAPS and isinstance(value, dict):
        return {key: strict_schema(item) if isinstance(item, dict) else item for key, item in value.items()}
    if name in _LISTS and isinstance(value, list):
        return [strict_schema(item) if isinstance(item, dict) else item for item in value]
    return strict_schema(value) if name in ("items", "not") and isinstance(value, dict) else value
