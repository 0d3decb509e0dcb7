"""The digests that consent is bound to: of what a tool is, and of what a call would run.

A human consents to a digest of the tool's identity, the frozen arguments and the id of the call. Arguments are frozen as canonical JSON
bytes after `before_call`. Whatever runs is made from those bytes, so nothing that happens after the freeze can change it.

The identity of a tool is made of facts: its name, description and schema, its plugin and that plugin's version, its source code if there is
any, and its Toolbox with the Toolbox's configuration. The globals and closures of its code are not covered. A tool whose source cannot be
read is identified only within this process.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from typing import Any, cast

from llm_notebook.tools.tool import Tool

__all__ = [
    "canonical",
    "changed_sentence",
    "digest",
    "digest_of_unknown",
    "frozen_or_repr",
    "identity_of",
    "origin_of",
    "source_of",
    "thawed",
    "tool_facts",
]

_THIS_PROCESS = os.urandom(16).hex()


def canonical(arguments: dict[str, Any]) -> bytes:
    """Return the arguments as canonical JSON: sorted keys, no white space, UTF-8.

    Raises:
        TypeError, ValueError: a value has no JSON form.
    """
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def frozen_or_repr(arguments: dict[str, Any]) -> bytes:
    """Return `canonical()` of the arguments, or of their `repr()` if they have no JSON form. For records only; it must never be run."""
    try:
        return canonical(arguments)
    except (TypeError, ValueError, RecursionError):
        return canonical({"arguments": repr(arguments)})


def thawed(frozen: bytes) -> dict[str, Any]:
    """Return a new plain dict made from frozen arguments."""
    return cast("dict[str, Any]", json.loads(frozen.decode("utf-8", "surrogatepass")))


def tool_facts(tool: Tool) -> dict[str, str]:
    """Return a digest of each fact that identifies the tool, by the fact's name."""
    owner = tool.toolbox
    source = source_of(tool)
    facts = {
        "name": tool.name,
        "description": tool.description,
        "schema": tool.input_schema,
        "plugin": _plugin(tool),
        "code": source["code"] if source is not None else ["not to be read", _THIS_PROCESS],
        "toolbox": None if owner is None else f"{type(owner).__module__}.{type(owner).__qualname__}",
        "configuration": None if owner is None else owner.configuration,
    }
    return {
        name: hashlib.sha256(json.dumps(fact, sort_keys=True, default=repr).encode()).hexdigest()
        for name, fact in facts.items()
    }


def identity_of(facts: dict[str, str]) -> str:
    """Return one digest of all facts, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest(identity: str, frozen: bytes, tool_call_id: str) -> str:
    """Return the digest that consent to this one call is bound to, as 64 hexadecimal digits."""
    parts = (identity.encode(), frozen, tool_call_id.encode("utf-8", "surrogatepass"))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def digest_of_unknown(bound: str) -> str:
    """Return the digest to use once the call with the digest `bound` was interrupted. Consent given before then does not count."""
    return hashlib.sha256(b"outcome unknown " + bound.encode()).hexdigest()


def changed_sentence(before: dict[str, str], after: dict[str, str], *, same_arguments: bool) -> str:
    """Return a sentence for the human who is asked again that says what has changed; empty if no difference is known.

    Args:
        before: the facts of the tool when the human decided.
        after: the facts of the tool as it is.
        same_arguments: whether the arguments are unchanged.
    """
    changed = [_FACTS[name] for name in after if name in before and before[name] != after[name]]
    if not same_arguments:
        changed.append("its arguments")
    if not changed:
        return ""
    listed = changed[0] if len(changed) == 1 else f"{', '.join(changed[:-1])} and {changed[-1]}"
    return f"You decided about this before. Since then {listed} changed."


def source_of(tool: Tool) -> dict[str, str] | None:
    """Return the tool's code and a title for it; None if the code cannot be read."""
    if tool.implementation is None:
        return None
    function: Any = inspect.unwrap(tool.implementation)
    try:
        code = inspect.getsource(function)
    except (OSError, TypeError):
        return None
    name = getattr(function, "__qualname__", tool.name)
    return {"title": str(name).rpartition("<locals>.")[2], "code": code}


def origin_of(tool: Tool) -> list[str]:
    """Return short phrases that say where the tool comes from."""
    said = []
    plugin = _plugin(tool)
    if plugin is not None:
        said.append(f"from the package {plugin}")
    else:
        function: Any = inspect.unwrap(tool.implementation) if tool.implementation is not None else None
        module = getattr(function, "__module__", None)
        if module == "__main__":
            said.append(f"from a function {'in this notebook' if 'ipykernel' in sys.modules else 'defined here'}")
        elif module:
            said.append(f"from the module {module}")
    if tool.toolbox is not None:
        said.append(f"toolbox {type(tool.toolbox).__name__}{_arguments(tool.toolbox.configuration)}")
    return said


def _plugin(tool: Tool) -> str | None:
    if tool.plugin is None:
        return None
    from importlib import metadata  # slow to import, and most tools come from no plugin

    try:
        return f"{tool.plugin} {metadata.version(tool.plugin)}"
    except metadata.PackageNotFoundError:
        return tool.plugin


def _arguments(configuration: dict[str, Any]) -> str:
    written = ", ".join(f"{name}={value!r}" for name, value in configuration.items())
    return f"({written})" if written else ""


_FACTS = {
    "name": "its name",
    "description": "its description",
    "schema": "its parameters",
    "plugin": "its package",
    "code": "its code",
    "toolbox": "its toolbox",
    "configuration": "how its toolbox is set up",
}
