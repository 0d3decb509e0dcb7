"""`--dry-run`: shows what a prompt would send, part by part and byte for byte, with its estimated size. Nothing is sent."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.notebook.display.encoding import write
from llm_notebook.notebook.frontend.kernel import in_kernel, publisher
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import AttachmentPart, Message, TextPart, Usage
from llm_notebook.providers.catalog.costs import cost_of
from llm_notebook.tools.tool import Tool
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.endings import Unsent
from llm_notebook.transcript.rendering import markdown_of, plain_of, turn_words
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.drivers import perform_sync
from llm_notebook.turns.prompt import name_of_source
from llm_notebook.turns.steps import Prepare

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.models.key_holder import KeyHolder
    from llm_notebook.tools.server_side import ServerSideTool
    from llm_notebook.turns.prompt import Prompt

__all__ = ["show_dry_run"]

_CHARACTERS_PER_TOKEN = 4
# Providers count different numbers of tokens for a picture of the size that is sent; this one is in the middle.
_TOKENS_OF_PICTURE = 1_000
# What is shown is also saved in the notebook file.
_LONGEST_EXACT = 2_000_000
_INDENTED = json.JSONEncoder(indent=2, ensure_ascii=False)


def show_dry_run(shell: InteractiveShell, chain: ChainResponse, *, stream: bool, out: str | None) -> None:
    """Show what the first request of a chain would be.

    Args:
        shell: the shell to show it in.
        chain: the chain, which has not begun.
        stream: whether the answer would be asked for piece by piece.
        out: the name of the variable that gets the text of the request; None if there is none.
    """
    prompt: Any = chain.prompt
    # Tools that a Toolbox makes in its preparation are sent too.
    perform_sync(Prepare(prompt.toolboxes))
    prompt.freeze()
    model: Any = prompt.model
    exact = model._request_body(prompt, stream=stream)
    if exact is None:
        exact = _plain_request(prompt)
    if out is not None:
        shell.user_ns[out] = exact
    said = [] if len(exact) <= _LONGEST_EXACT else [_too_long(exact, out)]
    asks = _asks(prompt)
    unsent = Unsent(
        [(name, text) for name, text, _ in asks],
        sizes=tuple(_size_in_words(prompt, name, tokens) for name, _, tokens in asks),
        estimate=_estimate(prompt, sum(tokens for _, _, tokens in asks)),
        exact=exact if not said else "",
    )
    view = TranscriptView(model.model_id, id=new_id(), state="unsent", unsent=unsent, sent=list(prompt.enclosed))
    view.remarks = said
    _show(shell, view)


def _show(shell: InteractiveShell, view: TranscriptView) -> None:
    words = turn_words(view)
    if not in_kernel(shell):
        write(plain_of(view, words) + "\n")
        return
    bundle = {
        MIME_TYPE: DeltaWriter(view).full(),
        "text/markdown": markdown_of(view, words),
        "text/plain": plain_of(view, words),
    }
    publisher(shell)(bundle, uuid.uuid4().hex, False)


def _too_long(exact: str, out: str | None) -> str:
    how = f"`{out}` has it." if out is not None else "`--out NAME` gives it to a variable."
    return f"The request has {len(exact):,} characters, too many to be shown: {how}"


def _plain_request(prompt: Prompt) -> str:
    """Return, as JSON, what is passed to a model that builds no request that could be shown."""
    given = {
        "model": prompt.model.model_id,
        "messages": [message.to_dict() for message in prompt.sent],
        "tools": [_tool_json(tool) for tool in prompt.tools],
        "options": prompt.given_options(),
        "schema": prompt.schema,
    }
    return json.dumps({name: value for name, value in given.items() if value}, ensure_ascii=False, default=repr)


def _asks(prompt: Prompt) -> list[tuple[str, str, int]]:
    """Return the parts of the request, each as (its name, its text, about how many tokens it has)."""
    options = prompt.given_options()
    asks: list[tuple[str, str, int]] = [
        (message.role, _message_text(message), _tokens_of_message(message)) for message in prompt.sent
    ]
    described = "".join(json.dumps(_tool_json(tool), default=repr) for tool in prompt.tools)
    schema = "" if prompt.schema is None else _INDENTED.encode(prompt.schema)
    asks += [
        ("tools", "\n".join(_signature(tool) for tool in prompt.tools), _tokens(described)),
        ("schema", schema, _tokens(schema)),
        ("options", "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items()), 0),
    ]
    return [ask for ask in asks if ask[1]]


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _tokens_of_message(message: Message) -> int:
    pictures = sum(isinstance(part, AttachmentPart) for part in message.parts)
    return _tokens(_message_text(message)) + pictures * _TOKENS_OF_PICTURE


def _size_in_words(prompt: Prompt, name: str, tokens: int) -> str:
    """Return about how large a part is, such as `1 tool, 61 tokens`; empty for options, which are no text for the model."""
    counted = [(len(prompt.tools), "tool")] if name == "tools" else []
    counted += [(tokens, "token")] if tokens else []
    return ", ".join(f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in counted)


def _message_text(message: Message) -> str:
    texts = []
    for part in message.parts:
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif isinstance(part, AttachmentPart) and part.attachment is not None:
            content, kind = part.attachment.content, part.attachment.known_type() or "file"
            size = part.attachment.url or "" if content is None else f"{len(content):,} bytes"
            texts.append(f"({kind}, {size})")
        else:
            texts.append(json.dumps(part.to_dict(), ensure_ascii=False))
    return "\n".join(texts)


def _signature(tool: Tool | ServerSideTool) -> str:
    if not isinstance(tool, Tool):
        return name_of_source(tool)
    properties = tool.input_schema.get("properties", {})
    shown = [f"{name}: {_type_of(schema)}" for name, schema in properties.items()]
    return f"{tool.name}({', '.join(shown)})"


def _type_of(schema: object) -> str:
    kind = schema.get("type", "any") if isinstance(schema, dict) else "any"
    default = f" = {json.dumps(schema['default'])}" if isinstance(schema, dict) and "default" in schema else ""
    return f"{kind}{default}"


def _tool_json(tool: Tool | ServerSideTool) -> object:
    if not isinstance(tool, Tool):
        return name_of_source(tool)
    return {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}


def _estimate(prompt: Prompt, tokens: int) -> str:
    """Return a text with about how many tokens would be sent, and what they would cost if that is known."""
    spent = cost_of(cast("KeyHolder", prompt.model), Usage(tokens, 0))
    # "under $0.0001" says already that it is an estimate.
    dollars = f", {'' if str(spent).startswith('under') else 'about '}{spent}" if spent.usd else ""
    return f"about {tokens:,} token{'' if tokens == 1 else 's'} in{dollars}"
