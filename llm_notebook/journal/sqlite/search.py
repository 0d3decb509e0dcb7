"""Finding turns by the words of their prompts and answers: an FTS5 index, or reading them all where this SQLite has no FTS5."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from llm_notebook.journal.sqlite.columns import json_of, messages_of
from llm_notebook.journal.sqlite.schema import SEARCH_TABLE
from llm_notebook.parts.messages import Message, TextPart

__all__ = [
    "answer_text",
    "has_index",
    "index_answer",
    "index_prompt",
    "is_available",
    "prepare_index",
    "prompt_text",
    "turns_with",
]

# Scripts that put no spaces between words: every character is a word of its own, and a word of a query is a row of them.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])"
)
_INCOMPLETE = "search_is_incomplete"


def is_available() -> bool:
    """Whether this process's SQLite has FTS5."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(SEARCH_TABLE)
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def has_index(connection: sqlite3.Connection) -> bool:
    """Whether the journal has its index."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search'").fetchone() is not None


def prepare_index(connection: sqlite3.Connection) -> None:
    """Make the index, or make it anew after a process without FTS5 has written. Inside a transaction."""
    incomplete = connection.execute("SELECT 1 FROM facts WHERE name = ?", (_INCOMPLETE,)).fetchone()
    if has_index(connection):
        if incomplete is None:
            return
        connection.execute("DROP TABLE search")
    connection.execute(SEARCH_TABLE)
    for number, prompt, answer in _texts_of_turns(connection):
        index_prompt(connection, number, prompt, uses_index=True)
        if answer is not None:
            index_answer(connection, number, answer, uses_index=True)
    connection.execute("DELETE FROM facts WHERE name = ?", (_INCOMPLETE,))


def prompt_text(messages: Sequence[Message], settings: dict[str, Any]) -> str:
    """What is searched of a prompt: the last user message, and what was typed in the cell."""
    asked = next((message for message in reversed(messages) if message.role == "user"), None)
    typed = settings.get("text")
    return "\n".join([*([typed] if isinstance(typed, str) else []), *([] if asked is None else _texts([asked]))])


def answer_text(messages: Sequence[Message]) -> str:
    """What is searched of an answer: its text."""
    return "\n".join(_texts([message for message in messages if message.role == "assistant"]))


def index_prompt(connection: sqlite3.Connection, number: int, text: str, *, uses_index: bool) -> None:
    """Make a turn's prompt findable, or note that it is not."""
    _index(connection, 2 * number, text, uses_index)


def index_answer(connection: sqlite3.Connection, number: int, text: str, *, uses_index: bool) -> None:
    """Make a turn's answer findable, or note that it is not."""
    _index(connection, 2 * number + 1, text, uses_index)


def turns_with(connection: sqlite3.Connection, query: str, *, uses_index: bool) -> list[int]:
    """The numbers of the turns whose prompt or answer holds every word of the query, newest first.

    With the index a word stands for all words that begin with it, whatever their case and accents, and what is neither a letter
    nor a digit counts for nothing. Without it, a word is found wherever it occurs, whatever its case.
    """
    words = list(dict.fromkeys(query.replace("\0", " ").split()))
    found = _indexed(connection, words) if uses_index else _read(connection, words)
    return sorted(found, reverse=True)


def _indexed(connection: sqlite3.Connection, words: list[str]) -> set[int]:
    found: set[int] | None = None
    for word in words:
        if any(character.isalnum() for character in word):
            phrase = _searchable(word).replace('"', " ")
            rows = connection.execute("SELECT rowid / 2 FROM search WHERE search MATCH ?", (f'"{phrase}" *',))
            numbers = {number for (number,) in rows}
            found = numbers if found is None else found & numbers
    return found or set()


def _read(connection: sqlite3.Connection, words: list[str]) -> set[int]:
    folded = [word.casefold() for word in words]
    texts = ((number, f"{prompt}\n{answer or ''}".casefold()) for number, prompt, answer in _texts_of_turns(connection))
    return {number for number, text in texts if all(word in text for word in folded)}


def _texts_of_turns(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str | None]]:
    """Number, prompt and answer of all turns; no answer where none has ended."""

    def without_content(_: str) -> bytes:
        return b""

    rows = connection.execute(
        "SELECT number, messages, settings, output FROM turns LEFT JOIN turn_endings USING (number)"
    )
    for number, messages, settings, output in rows:
        prompt = prompt_text(messages_of(messages, without_content), json_of(settings))
        yield number, prompt, None if output is None else answer_text(messages_of(output, without_content))


def _index(connection: sqlite3.Connection, row: int, text: str, uses_index: bool) -> None:
    if uses_index:
        connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (row, _searchable(text)))
    else:
        connection.execute("INSERT OR IGNORE INTO facts VALUES (?, '1')", (_INCOMPLETE,))


def _texts(messages: Sequence[Message]) -> list[str]:
    return [part.text for message in messages for part in message.parts if isinstance(part, TextPart)]


def _searchable(text: str) -> str:
    return _UNSPACED.sub(r" \1 ", text.encode("utf-8", "replace").decode())
