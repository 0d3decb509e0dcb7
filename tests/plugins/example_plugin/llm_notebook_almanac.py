"""An almanac: a plugin for llm_notebook that uses every hook once. Nothing in it needs a network."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from pydantic import Field

import llm_notebook as llm

PROVERBS = (
    "A rolling stone gathers no moss.",
    "Still waters run deep.",
    "Many hands make light work.",
    "The early bird catches the worm.",
)


@llm.hookimpl
def register_models(register):
    register(Proverbs(), AsyncProverbs(), aliases=("proverb",))
    register(Oracle())


@llm.hookimpl
def register_tools(register):
    register(moon_age)
    register(Diary)


@llm.hookimpl
def register_fragment_loaders(register):
    register("almanac", load_fragments)


@llm.hookimpl
def register_template_loaders(register):
    register("almanac", load_template)


@llm.hookimpl
def register_embedding_models(register):
    register(Letters(), aliases=("abc",))


@llm.hookimpl
def register_objects(register):
    register("llm_notebook_almanac.Diary", describe_diary)


class _Proverbs:
    """What the sync and the async model share: everything but the waiting."""

    model_id = "proverbs"
    can_stream = True

    class Options(llm.Options):
        count: int = Field(default=1, ge=1, le=len(PROVERBS), description="How many proverbs to give.")

    def chosen(self, prompt: llm.Prompt) -> list[str]:
        """The proverbs that have most words in common with the prompt."""
        asked = set(prompt.prompt.lower().split())
        ordered = sorted(PROVERBS, key=lambda proverb: -len(asked & set(proverb.lower().strip(".").split())))
        return [f"{proverb}\n" for proverb in ordered[: prompt.options.count]]

    def finish(self, prompt: llm.Prompt, response: llm.Response | llm.AsyncResponse) -> None:
        response.set_usage(input=len(prompt.prompt.split()), output=prompt.options.count)


class Proverbs(_Proverbs, llm.Model):
    """Answers with proverbs."""

    def execute(self, prompt, stream, response, conversation) -> Iterator[str]:
        yield from self.chosen(prompt)
        self.finish(prompt, response)


class AsyncProverbs(_Proverbs, llm.AsyncModel):
    """The same with `await`."""

    async def execute(self, prompt, stream, response, conversation) -> AsyncIterator[str]:
        for proverb in self.chosen(prompt):
            await asyncio.sleep(0)
            yield proverb
        self.finish(prompt, response)


class Oracle(llm.KeyModel):
    """Thinks, looks at the moon with the tool `moon_age` where it is given it, and then answers; for those who have a key."""

    model_id = "oracle"
    can_stream = True
    supports_tools = True
    needs_key = "oracle"
    key_env_var = "ORACLE_KEY"

    def execute(self, prompt, stream, response, conversation, key) -> Iterator[llm.StreamEvent]:
        if not key.startswith("delphi-"):
            raise llm.ModelError("The oracle does not know this key: its keys begin with delphi-.")
        yield llm.StreamEvent("reasoning", "The smoke rises.", provider_metadata={"oracle": {"smoke": "white"}})
        results = [part for part in prompt.messages[-1].parts if isinstance(part, llm.ToolResultPart)]
        if results or not prompt.tools:
            seen = results[0].output if results else "not seen"
            yield llm.StreamEvent("text", f"The moon's age in days: {seen}.")
            return
        yield llm.StreamEvent("tool_call_name", "moon_age", tool_call_id="moon-1")
        yield llm.StreamEvent("tool_call_args", json.dumps({"date": "2000-01-21"}), tool_call_id="moon-1")


def moon_age(date: str) -> float:
    """The age of the moon in days since new moon, at noon UTC of a date such as 2026-03-01."""
    new_moon = datetime.datetime(2000, 1, 6, 18, 14, tzinfo=datetime.UTC)
    noon = datetime.datetime.combine(datetime.date.fromisoformat(date), datetime.time(12), datetime.UTC)
    return round((noon - new_moon).total_seconds() / 86400 % 29.530588, 1)


class Diary(llm.Toolbox):
    """A diary in the user's folder.

    Args:
        name: which diary.
    """

    def __init__(self, name: str = "diary") -> None:
        self.name = name

    def prepare(self) -> None:
        folder = llm.user_dir() / "almanac"
        folder.mkdir(exist_ok=True)
        self._path = folder / f"{self.name}.txt"

    def write(self, entry: str) -> str:
        """Add a line to the diary."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(entry + "\n")
        return f"Written to {self._path.name}."

    def read(self) -> list[str]:
        """The lines of the diary."""
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []


def describe_diary(diary: Diary, most_bytes: int) -> str:
    """What a model gets of a diary: its newest lines, as many as there is room for."""
    lines = diary.read()
    text = "\n".join(lines)
    while len(text.encode()) > most_bytes - 40:
        text = text.partition("\n")[2]
    left_out = len(lines) - len(text.splitlines())
    return f"{text}\n({left_out} older lines left out)" if left_out else text


def load_fragments(argument: str) -> list[llm.Fragment]:
    """The proverbs that contain a word: `almanac:bird`."""
    found = [llm.Fragment(proverb, f"almanac:{argument}") for proverb in PROVERBS if argument in proverb.lower()]
    if not found:
        raise llm.ModelError(f"No proverb in the almanac has the word {argument!r}.")
    return found


def load_template(argument: str) -> llm.Template:
    """A prompt that asks for an explanation: `almanac:explain`."""
    if argument != "explain":
        raise llm.ModelError("The almanac has one template, almanac:explain.")
    return llm.Template(
        name="explain", system="You explain proverbs to $who.", prompt="$input", defaults={"who": "a child"}
    )


class Letters(llm.EmbeddingModel):
    """26 numbers for a text: how often each letter of the alphabet is in it."""

    model_id = "letters"

    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> Iterable[list[float]]:
        for item in items:
            yield [float(str(item).lower().count(chr(ord("a") + position))) for position in range(26)]


def stored_weather_key(given: str | None = None) -> str | None:
    """The key for a weather service: what the user gave, else the stored key `weather`, else the environment variable."""
    return llm.get_key(input=given, alias="weather", env="WEATHER_KEY")


async def first_lines(responses: Iterable[llm.AsyncResponse]) -> list[str]:
    """The first line of each answer."""
    return [(await response.text()).partition("\n")[0] for response in responses]
