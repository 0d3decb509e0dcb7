"""Search for turns by the words of their prompts and answers: with an FTS5 index, or by reading all turns if SQLite has no FTS5.

Several processes share a journal, and not all of their SQLite libraries need have FTS5. One without it writes turns that are not in the
index and leaves a mark in the table `facts`; the next process that opens the journal and has FTS5 builds the index again.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from llm_notebook.journal.sqlite.columns import json_of, messages_of
from llm_notebook.journal.sqlite.schema import SEARCH_TABLE
from llm_notebook.parts.messages import Message, TextPart

__all__ = [
    "answer_text",
    "find_turns",
    "index_texts",
    "is_available",
    "prepare_index",
    "prompt_text",
    "row_of_answer",
    "row_of_prompt",
]

# Scripts without spaces between words. Each character is indexed as a word, and a word of a query becomes a phrase of them.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])"
)
_INCOMPLETE = "search_is_incomplete"
# A text with more characters was not written for a reader, and indexing takes more time per character the longer the text is.
_MOST_SEARCHED = 1_000_000
# A connection keeps only so many statements for their next use, and there is one for each number of texts.
_MOST_AT_ONCE = 64


def is_available() -> bool:
    """Return whether this process's SQLite has FTS5."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(SEARCH_TABLE)
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def prepare_index(connection: sqlite3.Connection) -> None:
    """Build the index if there is none, or if a process without FTS5 has written since. The caller has begun a transaction."""
    incomplete = connection.execute("SELECT 1 FROM facts WHERE name = ?", (_INCOMPLETE,)).fetchone()
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search'").fetchone():
        if incomplete is None:
            return
        connection.execute("DROP TABLE search")
    connection.execute(SEARCH_TABLE)
    for number, prompt, answer in _read_texts(connection):
        answered = [] if answer is None else [(row_of_answer(number), answer)]
        index_texts(connection, [(row_of_prompt(number), prompt), *answered], uses_index=True)
    connection.execute("DELETE FROM facts WHERE name = ?", (_INCOMPLETE,))


def prompt_text(messages: Sequence[Message], settings: dict[str, Any]) -> str:
    """Return the searchable text of a prompt: the last user message, and what the user typed in the cell."""
    asked = next((message for message in reversed(messages) if message.role == "user"), None)
    typed = settings.get("text")
    return _joined([*([typed] if isinstance(typed, str) else []), *([] if asked is None else _texts([asked]))])


def answer_text(messages: Sequence[Message]) -> str:
    """Return the searchable text of an answer."""
    return _joined(_texts([message for message in messages if message.role == "assistant"]))


def row_of_prompt(number: int) -> int:
    """Return the row of the index for the prompt of a turn."""
    return 2 * number


def row_of_answer(number: int) -> int:
    """Return the row of the index for the answer of a turn."""
    return 2 * number + 1


def index_texts(connection: sqlite3.Connection, texts: Sequence[tuple[int, str]], *, uses_index: bool) -> None:
    """Add texts to the index, by their rows, or mark the index as incomplete."""
    if texts and not uses_index:
        connection.execute("INSERT OR IGNORE INTO facts VALUES (?, '1')", (_INCOMPLETE,))
        return
    for start in range(0, len(texts), _MOST_AT_ONCE):
        part = texts[start : start + _MOST_AT_ONCE]
        values = [value for row, text in part for value in (row, _searchable(text))]
        connection.execute(_insertion(len(part)), values)


@functools.lru_cache(maxsize=_MOST_AT_ONCE)
def _insertion(count: int) -> str:
    """Return the statement that adds so many texts."""
    return f"INSERT INTO search (rowid, text) VALUES {', '.join(['(?, ?)'] * count)}"


def find_turns(connection: sqlite3.Connection, query: str, *, uses_index: bool) -> list[int]:
    """Return the numbers of the turns whose prompt or answer contains every word of the query, newest first.

    With the index, a word matches all words that begin with it. Case, accents and characters other than letters and digits are
    ignored. Without the index, a word matches wherever it occurs, and only case is ignored.
    """
    words = list(dict.fromkeys(query.replace("\0", " ").split()))
    found = _search_index(connection, words) if uses_index else _search_texts(connection, words)
    return sorted(found, reverse=True)


def _search_index(connection: sqlite3.Connection, words: list[str]) -> set[int]:
    found: set[int] | None = None
    for word in words:
        if any(character.isalnum() for character in word):
            phrase = _searchable(word).replace('"', " ")
            rows = connection.execute("SELECT rowid / 2 FROM search WHERE search MATCH ?", (f'"{phrase}" *',))
            numbers = {number for (number,) in rows}
            found = numbers if found is None else found & numbers
    return found or set()


def _search_texts(connection: sqlite3.Connection, words: list[str]) -> set[int]:
    folded = [word.casefold() for word in words]
    texts = ((number, f"{prompt}\n{answer or ''}".casefold()) for number, prompt, answer in _read_texts(connection))
    return {number for number, text in texts if all(word in text for word in folded)}


def _read_texts(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str | None]]:
    """Yield the number, prompt and answer of every turn. The answer of a turn that has not ended is None."""

    def without_content(_: str) -> bytes:
        return b""

    rows = connection.execute(
        "SELECT number, messages, settings, output FROM turns LEFT JOIN turn_endings USING (number)"
    )
    for number, messages, settings, output in rows:
        prompt = prompt_text(messages_of(messages, without_content), json_of(settings))
        yield number, prompt, None if output is None else answer_text(messages_of(output, without_content))


def _texts(messages: Sequence[Message]) -> list[str]:
    return [part.text for message in messages for part in message.parts if isinstance(part, TextPart)]


def _joined(texts: Sequence[str]) -> str:
    return "\n".join(texts)[:_MOST_SEARCHED]


def _searchable(text: str) -> str:
    return _UNSPACED.sub(r" \1 ", text.encode("utf-8", "replace").decode())
