"""`python -m scripts.plugins_trial [WORD ...]`: tries the plugins whose names contain a word, or all, and prints a Markdown table.

Run it in an environment that contains this package and the plugins; docs/plugins-tried.md says how.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import llm_notebook as llm
from llm_notebook.templates.fragments import resolve_fragments
from llm_notebook.templates.template import load_template
from scripts.plugins_trial.provider import Provider
from scripts.plugins_trial.replies import SIGNATURE

_PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
_KEYS = (
    "ANTHROPIC_API_KEY",
    "CEREBRAS_API_KEY",
    "GROQ_API_KEY",
    "LLM_DEEPSEEK_KEY",
    "LLM_GEMINI_KEY",
    "LLM_GROQ_KEY",
    "LLM_MISTRAL_KEY",
    "LLM_MOONSHOT_KEY",
    "MOONSHOT_KEY",
    "XAI_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_KEY",
)
_MISTRAL = {"id": "scripted", "capabilities": {"completion_chat": True, "vision": True, "function_calling": True}}


class NotOffered(Exception):
    """Raised by a trial of something that the plugin does not claim to do."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A plugin for a provider, and the model that is tried.

    Attributes:
        plugin: the name of its package.
        model: the id of the model.
        signed: whether its wire has signatures, which must be sent back.
        options: options for every prompt.
        embedding: the id of an embedding model of the plugin, if it has one.
    """

    plugin: str
    model: str
    signed: bool = False
    options: tuple[tuple[str, Any], ...] = ()
    embedding: str | None = None


HOSTED = (
    Hosted("llm-anthropic", "anthropic/claude-sonnet-4-5", signed=True, options=(("thinking", True),)),
    Hosted("llm-gemini", "gemini/gemini-2.5-flash", signed=True, embedding="gemini-embedding-001"),
    Hosted("llm-mistral", "mistral/scripted", embedding="mistral/mistral-embed"),
    Hosted("llm-ollama", "ollama/scripted", embedding="ollama/letters"),
    Hosted("llm-openrouter", "openrouter/maker/scripted", signed=True),
    Hosted("llm-deepseek", "deepseek-chat"),
    Hosted("llm-groq", "groq/scripted"),
    Hosted("llm-llama-server", "llama-server-tools"),
    Hosted("llm-cerebras", "cerebras-scripted"),
    Hosted("llm-grok", "grok-4-latest"),
    Hosted("llm-moonshot", "moonshot/scripted"),
)


def temperature(city: str) -> str:
    """The temperature in a city."""
    return f"18 in {city}"


class Trial:
    """One model, sync or async. Each public method tries one ability, and raises if it does not work."""

    def __init__(self, hosted: Hosted, provider: Provider, runner: asyncio.Runner | None) -> None:
        self.hosted = hosted
        self.provider = provider
        self.runner = runner
        self.options = dict(hosted.options)
        self.model: Any = llm.get_model(hosted.model) if runner is None else llm.get_async_model(hosted.model)

    def finish(self, result: Any) -> Any:
        """Return a result, after awaiting it if the model is async."""
        return result if self.runner is None else self.runner.run(result)

    def sent(self) -> str:
        """Return the last request as JSON text."""
        return json.dumps(self.provider.requests[-1])

    def text(self, *, stream: bool = True) -> None:
        """Try text and usage."""
        response = self.model.prompt("Hi", system="Be kind", stream=stream, options=self.options)
        assert self.finish(response.text()) == "Hello there"
        usage = self.finish(response.usage())
        assert usage == llm.Usage(11, 7, usage.details), "no token counts"

    def whole(self) -> None:
        """Try the same without streaming."""
        self.text(stream=False)

    def conversation(self) -> None:
        """Try that the earlier turns are sent, each of them once."""
        conversation = self.model.conversation()
        self.finish(conversation.prompt("First", options=self.options).text())
        self.finish(conversation.prompt("Second", options=self.options).text())
        assert [self.sent().count(said) for said in ("First", "Hello there", "Second")] == [1, 1, 1]

    def chain(self, tool: Any = temperature) -> None:
        """Try that a tool is called, its result is read, and a signature is sent back."""
        self._need_tools()
        for stream in (True, False):
            chain = self.model.chain("TOOL please", tools=[tool], stream=stream, options=self.options)
            self._check_conclusion(self.finish(chain.text()))

    def approval(self) -> None:
        """Try that a call waits for approval, through JSON and back, and then runs."""
        self._need_tools()
        tool = llm.require_approval(temperature)
        try:
            self.finish(self.model.chain("TOOL please", tools=[tool], options=self.options).text())
        except llm.PauseChain as pause:
            kept = json.loads(json.dumps(pause.to_dict()))
            waiting = llm.load_pause(kept, tools=[tool], model=self.model)
            self._check_conclusion(self.finish(waiting.approve().text()))
        else:
            raise AssertionError("it did not wait")

    def image(self) -> None:
        """Try that an image is sent."""
        if "image/png" not in self.model.attachment_types:
            raise NotOffered
        attachment = llm.Attachment(content=_PIXEL)
        self.finish(self.model.prompt("What?", attachments=[attachment], options=self.options).text())
        assert base64.b64encode(_PIXEL).decode() in self.sent()

    def refusal(self) -> None:
        """Try that HTTP 429 becomes one of our errors."""
        try:
            self.finish(self.model.prompt("LIMIT", options=self.options).text())
        except llm.ModelError:
            return
        raise AssertionError("no error")

    def embeddings(self) -> None:
        """Try that texts become vectors."""
        if self.hosted.embedding is None:
            raise NotOffered
        assert llm.get_embedding_model(self.hosted.embedding).embed("x") == [0.5, 1.0]

    def _need_tools(self) -> None:
        if not self.model.supports_tools:
            raise NotOffered

    def _check_conclusion(self, text: str) -> None:
        assert text.strip().endswith("It is 18 degrees."), text
        assert "18 in Rome" in self.sent()
        assert SIGNATURE in self.sent() or not self.hosted.signed, "the signature was lost"


COLUMNS = ("text", "whole", "conversation", "chain", "approval", "image", "refusal", "embeddings")


def _try(check: Callable[[], object]) -> str:
    """Run a check and return its cell of the table."""
    try:
        check()
    except NotOffered:
        return "not offered"
    except Exception as error:
        return f"✗ {' '.join(f'{type(error).__name__}: {error}'.split())[:120]}"
    return "✓"


def _checks(hosted: Hosted, provider: Provider, loop: asyncio.Runner | None) -> Iterator[str]:
    """Try everything with one model."""
    try:
        trial = Trial(hosted, provider, loop)
    except llm.UnknownModelError:
        if loop is None:
            raise
        # The plugin has no async model. What it has was found by the sync trial before this one.
        yield from ["not offered"] * len(COLUMNS)
        return
    for column in COLUMNS:
        yield _try(getattr(trial, column))


def _hosted_rows(words: list[str], provider: Provider) -> Iterator[list[str]]:
    with asyncio.Runner() as runner:
        for hosted in HOSTED:
            if words and not any(word in hosted.plugin for word in words):
                continue
            for face, loop in (("sync", None), ("async", runner)):
                checks = list(_checks(hosted, provider, loop))
                yield [hosted.plugin, metadata.version(hosted.plugin), face, *checks]


def _make_repository(folder: Path) -> None:
    """Make a git repository that stands in for github.com/me/birds."""
    (folder / "README.md").write_text("# Birds\n")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "Birds"]):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        subprocess.run(["git", *who, *words], cwd=folder, check=True)
    os.environ |= {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/me/birds.git",
        "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
        "GIT_CONFIG_VALUE_1": "true",
    }


def _loader_rows(folder: Path) -> Iterator[list[str]]:
    _make_repository(folder)
    loaders = llm.get_fragment_loaders()

    def loads(reference: str, *words: str) -> Callable[[], None]:
        def check() -> None:
            text = "\n".join(map(str, resolve_fragments([reference], loaders)))
            assert all(word in text for word in words), text

        return check

    def template() -> None:
        assert load_template("gh:me/greet").evaluate("Ann") == ("Greet Ann kindly", "You are a butler")

    fragments = {
        "github:me/birds": loads("github:me/birds", "# Birds"),
        "issue:me/birds/7": loads("issue:me/birds/7", "Pelican", "It flew away", "Where to?"),
        "pr:me/birds/8": loads("pr:me/birds/8", "Catch the pelican", "diff --git"),
    }
    for reference, check in fragments.items():
        yield ["llm-fragments-github", metadata.version("llm-fragments-github"), f"`{reference}`", _try(check)]
    yield ["llm-templates-github", metadata.version("llm-templates-github"), "`gh:me/greet`", _try(template)]


def _print_table(header: list[str], rows: Iterator[list[str]]) -> None:
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main() -> None:
    """Try the plugins and print the tables."""
    warnings.simplefilter("ignore")
    provider = Provider()
    for library in ("httpx", "httpx2"):
        provider.redirect(import_module(library))
    os.environ |= {**dict.fromkeys(_KEYS, "test-key"), "OLLAMA_HOST": provider.url("ollama")}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LLM_USER_PATH"] = folder
        Path(folder, "mistral_models.json").write_text(json.dumps({"data": [_MISTRAL]}))
        print(f"llm {metadata.version('llm')}\n")
        _print_table(["plugin", "version", "", *COLUMNS], _hosted_rows(sys.argv[1:], provider))
        if not sys.argv[1:]:
            repository = Path(folder, "birds")
            repository.mkdir()
            _print_table(["plugin", "version", "reference", ""], _loader_rows(repository))


if __name__ == "__main__":
    main()
