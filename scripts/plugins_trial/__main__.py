"""`python -m scripts.plugins_trial [WORD ...]`: try the plugins whose names contain a word, or all, and print a Markdown table.

To be run where this package and the plugins are installed; docs/plugins-tried.md says how.
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
    "GROQ_API_KEY",
    "LLM_DEEPSEEK_KEY",
    "LLM_GEMINI_KEY",
    "LLM_GROQ_KEY",
    "LLM_MISTRAL_KEY",
    "OPENROUTER_KEY",
)
_MISTRAL = {"id": "scripted", "capabilities": {"completion_chat": True, "vision": True, "function_calling": True}}


class NotOffered(Exception):
    """The plugin does not claim to do this."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A plugin for a provider, and the model of it that is tried.

    Attributes:
        signed: its wire has signatures, which must be sent back.
        options: options that every prompt is given.
        embedding: an embedding model of it.
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
)


def temperature(city: str) -> str:
    """The temperature in a city."""
    return f"18 in {city}"


class Trial:
    """One model, sync or async, and what it is tried for. Each method raises where it fails."""

    def __init__(self, hosted: Hosted, provider: Provider, runner: asyncio.Runner | None) -> None:
        self.hosted = hosted
        self.provider = provider
        self.runner = runner
        self.options = dict(hosted.options)
        self.model: Any = llm.get_model(hosted.model) if runner is None else llm.get_async_model(hosted.model)

    def done(self, result: Any) -> Any:
        """The outcome of what async models must be awaited for."""
        return result if self.runner is None else self.runner.run(result)

    def sent(self) -> str:
        """The last request, as JSON text."""
        return json.dumps(self.provider.requests[-1])

    def text(self, *, stream: bool = True) -> None:
        """Text, usage and the provider's raw JSON."""
        response = self.model.prompt("Hi", system="Be kind", stream=stream, options=self.options)
        assert self.done(response.text()) == "Hello there"
        assert self.done(response.usage()) == llm.Usage(11, 7, self.done(response.usage()).details)

    def whole(self) -> None:
        """The same in one piece."""
        self.text(stream=False)

    def conversation(self) -> None:
        """The turns before are sent, once."""
        conversation = self.model.conversation()
        self.done(conversation.prompt("First", options=self.options).text())
        self.done(conversation.prompt("Second", options=self.options).text())
        assert [self.sent().count(said) for said in ("First", "Hello there", "Second")] == [1, 1, 1]

    def chain(self, tool: Any = temperature) -> None:
        """A tool is called, its result is read, and a signature is sent back."""
        self._need_tools()
        for stream in (True, False):
            chain = self.model.chain("TOOL please", tools=[tool], stream=stream, options=self.options)
            self._concluded(self.done(chain.text()))

    def approval(self) -> None:
        """The call waits for consent, through JSON and back, and then runs."""
        self._need_tools()
        tool = llm.require_approval(temperature)
        try:
            self.done(self.model.chain("TOOL please", tools=[tool], options=self.options).text())
        except llm.PauseChain as pause:
            kept = json.loads(json.dumps(pause.to_dict()))
            waiting = llm.load_pause(kept, tools=[tool], model=self.model)
            self._concluded(self.done(waiting.approve().text()))
        else:
            raise AssertionError("it did not wait")

    def image(self) -> None:
        """An image is sent."""
        if "image/png" not in self.model.attachment_types:
            raise NotOffered
        attachment = llm.Attachment(content=_PIXEL)
        self.done(self.model.prompt("What?", attachments=[attachment], options=self.options).text())
        assert base64.b64encode(_PIXEL).decode() in self.sent()

    def refusal(self) -> None:
        """HTTP 429 is one of our errors."""
        try:
            self.done(self.model.prompt("LIMIT", options=self.options).text())
        except llm.ModelError:
            return
        raise AssertionError("no error")

    def embeddings(self) -> None:
        """Texts become numbers."""
        if self.hosted.embedding is None:
            raise NotOffered
        assert llm.get_embedding_model(self.hosted.embedding).embed("x") == [0.5, 1.0]

    def _need_tools(self) -> None:
        if not self.model.supports_tools:
            raise NotOffered

    def _concluded(self, text: str) -> None:
        assert text.strip().endswith("It is 18 degrees."), text
        assert "18 in Rome" in self.sent()
        assert SIGNATURE in self.sent() or not self.hosted.signed, "the signature was lost"


COLUMNS = ("text", "whole", "conversation", "chain", "approval", "image", "refusal", "embeddings")


def _seen(check: Callable[[], object]) -> str:
    try:
        check()
    except NotOffered:
        return "not offered"
    except Exception as error:
        return f"✗ {' '.join(f'{type(error).__name__}: {error}'.split())[:120]}"
    return "✓"


def _hosted_rows(words: list[str], provider: Provider) -> Iterator[list[str]]:
    with asyncio.Runner() as runner:
        for hosted in HOSTED:
            if words and not any(word in hosted.plugin for word in words):
                continue
            for face, loop in (("sync", None), ("async", runner)):
                trial = Trial(hosted, provider, loop)
                checks = [_seen(getattr(trial, column)) for column in COLUMNS]
                yield [hosted.plugin, metadata.version(hosted.plugin), face, *checks]


def _repository(folder: Path) -> None:
    """A git repository in place of github.com/me/birds."""
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
    _repository(folder)
    loaders = llm.get_fragment_loaders()

    def loaded(reference: str, *words: str) -> Callable[[], None]:
        def check() -> None:
            text = "\n".join(map(str, resolve_fragments([reference], loaders)))
            assert all(word in text for word in words), text

        return check

    def template() -> None:
        assert load_template("gh:me/greet").evaluate("Ann") == ("Greet Ann kindly", "You are a butler")

    fragments = {
        "github:me/birds": loaded("github:me/birds", "# Birds"),
        "issue:me/birds/7": loaded("issue:me/birds/7", "Pelican", "It flew away", "Where to?"),
        "pr:me/birds/8": loaded("pr:me/birds/8", "Catch the pelican", "diff --git"),
    }
    for reference, check in fragments.items():
        yield ["llm-fragments-github", metadata.version("llm-fragments-github"), f"`{reference}`", _seen(check)]
    yield ["llm-templates-github", metadata.version("llm-templates-github"), "`gh:me/greet`", _seen(template)]


def _print_table(header: list[str], rows: Iterator[list[str]]) -> None:
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    provider = Provider()
    for library in ("httpx", "httpx2"):
        provider.lead_here(import_module(library))
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
