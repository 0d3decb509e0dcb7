"""The tables and views of a journal, as a list of migrations, oldest first. A migration that was released must never be changed."""

from __future__ import annotations

from llm_notebook.approvals.requests import ASKED, DECIDED

__all__ = ["APPLICATION_ID", "MIGRATIONS", "OPEN_CALLS", "SEARCH_TABLE"]

# "LLMj" in ASCII. It tells journals from the SQLite files of other programs.
APPLICATION_ID = 0x4C4C4D6A

# The calls that may need a human or a resumed chain, as in `needs_human()`. A `started` call does if its owner has died, which SQL cannot know.
_IN_ANY_CASE = ", ".join(f"'{state}'" for state in (*ASKED, "started"))
_WITHOUT_RESULT = ", ".join(f"'{state}'" for state in DECIDED)
OPEN_CALLS = f"state IN ({_IN_ANY_CASE}) OR (state IN ({_WITHOUT_RESULT}) AND result IS NULL)"

# Not part of a migration, because it is created by the first process whose SQLite has FTS5. The table is contentless: it has only the
# index and not the text. A turn's prompt is in the row with twice the turn's number, and its answer in the row after that.
SEARCH_TABLE = """
CREATE VIRTUAL TABLE search USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')
"""

_TABLES = (
    # `messages` has what the turn adds to the history at the end of its parent; `number` counts the turns as they begin.
    """
    CREATE TABLE turns (
        number INTEGER PRIMARY KEY,
        turn_id TEXT NOT NULL UNIQUE,
        conversation_id TEXT NOT NULL,
        chain_id TEXT NOT NULL,
        parent_id TEXT,
        model_id TEXT NOT NULL,
        messages TEXT NOT NULL,
        is_whole INTEGER NOT NULL,
        settings TEXT NOT NULL,
        cell_id TEXT,
        notebook TEXT,
        began_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX turns_by_conversation ON turns (conversation_id)",
    "CREATE INDEX turns_by_chain ON turns (chain_id)",
    "CREATE INDEX turns_by_cell ON turns (cell_id) WHERE cell_id IS NOT NULL",
    "CREATE INDEX turns_by_notebook ON turns (notebook) WHERE notebook IS NOT NULL",
    # A turn without a row in this table is still streaming, or its process has died. `duration_ms` has no type because of huge numbers.
    """
    CREATE TABLE turn_endings (
        number INTEGER PRIMARY KEY REFERENCES turns,
        status TEXT NOT NULL,
        output TEXT NOT NULL,
        usage TEXT,
        duration_ms,
        resolved_model TEXT,
        error TEXT NOT NULL
    )
    """,
    # The present state of each call. `digest` identifies what runs or ran, `owner` names the lock of the process that runs it.
    """
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY,
        call_id TEXT NOT NULL UNIQUE,
        turn_id TEXT NOT NULL,
        tool_call_id TEXT NOT NULL,
        tool_name TEXT NOT NULL,
        arguments BLOB NOT NULL,
        state TEXT NOT NULL,
        request TEXT,
        decision TEXT,
        decided_by TEXT NOT NULL DEFAULT '',
        decided_at TEXT,
        grant_id TEXT,
        digest TEXT,
        owner TEXT,
        result TEXT,
        note TEXT NOT NULL DEFAULT '',
        changed_at TEXT NOT NULL,
        UNIQUE (turn_id, tool_call_id)
    )
    """,
    f"CREATE INDEX open_calls ON calls (number) WHERE {OPEN_CALLS}",
    "CREATE INDEX running_calls ON calls (owner) WHERE state = 'started'",
    # The states that each call went through. Rows are only added.
    """
    CREATE TABLE call_transitions (
        number INTEGER PRIMARY KEY,
        call_id TEXT NOT NULL,
        from_state TEXT,
        to_state TEXT NOT NULL,
        at TEXT NOT NULL,
        who TEXT NOT NULL DEFAULT '',
        grant_id TEXT,
        digest TEXT,
        request TEXT,
        decision TEXT,
        owner TEXT,
        note TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX transitions_by_call ON call_transitions (call_id)",
    """
    CREATE TABLE grants (
        number INTEGER PRIMARY KEY,
        grant_id TEXT NOT NULL UNIQUE,
        tool_name TEXT NOT NULL,
        identity TEXT NOT NULL,
        scope TEXT NOT NULL,
        place TEXT NOT NULL,
        granted_by TEXT NOT NULL,
        granted_at TEXT NOT NULL,
        revoked_by TEXT,
        revoked_at TEXT
    )
    """,
    "CREATE TABLE attachments (sha256 TEXT NOT NULL UNIQUE, content BLOB NOT NULL)",
    # The one fact so far, `search_is_incomplete`: a process whose SQLite has no FTS5 has written turns.
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)


def _texts_of(column: str, role: str, message: str) -> str:
    """Return SQL for the text of messages in a JSON column.

    Args:
        column: the column.
        role: the role of the messages.
        message: SQL for a further condition on a message.
    """
    return f"""
        CASE WHEN json_valid({column}) THEN (
            SELECT group_concat(json_extract(part.value, '$.text'), char(10))
            FROM json_each({column}) AS message, json_each(message.value, '$.parts') AS part
            WHERE json_extract(message.value, '$.role') = '{role}'
                AND json_extract(part.value, '$.type') = 'text' AND {message}
        ) END
    """


_LAST_OF_USER = """message.key = (
                SELECT max(other.key) FROM json_each(turns.messages) AS other
                WHERE json_extract(other.value, '$.role') = 'user'
            )"""


def _readable_turns(more: str = "") -> str:
    """Return the statement that makes the view of turns.

    Args:
        more: a further column, which a later migration has added.
    """
    return f"""
    CREATE VIEW readable_turns AS SELECT
        turns.number,
        turns.began_at,
        coalesce(turn_endings.status, 'streaming') AS status,
        coalesce(turn_endings.resolved_model, turns.model_id) AS model,
        {_texts_of("turns.messages", "user", _LAST_OF_USER)} AS prompt,
        {_texts_of("turn_endings.output", "assistant", "1")} AS answer,
        turn_endings.error,
        turn_endings.duration_ms / 1000.0 AS seconds,
        json_extract(turn_endings.usage, '$.input') AS input_tokens,
        json_extract(turn_endings.usage, '$.output') AS output_tokens,
        turns.notebook,
        turns.cell_id,
        turns.turn_id,
        turns.parent_id,
        turns.chain_id,
        turns.conversation_id{more}
    FROM turns LEFT JOIN turn_endings USING (number)
    """


_VIEWS = (
    _readable_turns(),
    """
    CREATE VIEW readable_calls AS SELECT
        calls.number,
        calls.changed_at,
        calls.tool_name AS tool,
        CAST(calls.arguments AS TEXT) AS arguments,
        calls.state,
        json_extract(calls.request, '$.reason') AS reason,
        json_extract(calls.decision, '$.verdict') AS verdict,
        json_extract(calls.decision, '$.text') AS said,
        json_extract(calls.decision, '$.arguments') AS edited_arguments,
        calls.decided_by,
        calls.decided_at,
        json_extract(calls.result, '$.output') AS result,
        calls.note,
        calls.call_id,
        calls.turn_id
    FROM calls
    """,
)

# Where a turn was asked, so that running its cell again finds it. `notebook` has only paths that a front end sent with the
# execution; `started_in` has the path that a kernel was started with, which may be out of date.
_ORIGINS = (
    "ALTER TABLE turns ADD COLUMN started_in TEXT",
    "ALTER TABLE turns ADD COLUMN place INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE turns ADD COLUMN request TEXT NOT NULL DEFAULT ''",
    # Where the paths came from that are already in the file is not known.
    "UPDATE turns SET started_in = notebook, notebook = NULL",
    "UPDATE grants SET revoked_by = '', revoked_at = granted_at WHERE scope <> 'session' AND revoked_at IS NULL",
)

# `owner` names the lock of the process that streams a turn, or that a grant ends with; `notebook` says where a grant was given. The process of
# an earlier grant for a session is not known, so such a grant counts as ended.
_OWNERS = (
    "ALTER TABLE turns ADD COLUMN owner TEXT",
    "ALTER TABLE grants ADD COLUMN notebook TEXT",
    "ALTER TABLE grants ADD COLUMN owner TEXT",
    """
    UPDATE grants SET notebook = CASE
        WHEN scope = 'notebook' THEN place
        WHEN scope = 'cell' AND json_valid(place) THEN json_extract(place, '$[0]')
    END
    """,
    """
    UPDATE grants SET revoked_by = '', revoked_at = granted_at
    WHERE revoked_at IS NULL AND (scope = 'session' OR notebook LIKE 'kernel %')
    """,
    "UPDATE grants SET notebook = NULL WHERE notebook LIKE 'kernel %'",
)

# A tool's output was stored with its result, and a waiting call has no result.
_PRINTED = (
    "ALTER TABLE calls ADD COLUMN printed TEXT",
    """
    UPDATE calls SET printed = json_extract(result, '$.printed')
    WHERE CASE WHEN json_valid(result) THEN json_extract(result, '$.printed') END IS NOT NULL
    """,
)

# Runs over rows, and the turns that are their rows. `same` recognizes a run that is begun again; `failure` is a word for the kind of failure.
_ROWS = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        rows_id TEXT NOT NULL UNIQUE,
        same TEXT NOT NULL,
        model_id TEXT NOT NULL,
        prompt TEXT NOT NULL,
        count INTEGER,
        began_at TEXT NOT NULL,
        notebook TEXT,
        owner TEXT,
        status TEXT,
        ended_at TEXT
    )
    """,
    "CREATE INDEX unended_runs ON runs (same) WHERE status IS NULL",
    "ALTER TABLE turns ADD COLUMN rows TEXT",
    "CREATE INDEX turns_of_rows ON turns (request) WHERE rows IS NOT NULL",
    "CREATE INDEX rows_of_runs ON turns (rows) WHERE rows IS NOT NULL",
    "ALTER TABLE turn_endings ADD COLUMN failure TEXT NOT NULL DEFAULT ''",
)

# How far a run has come, counted in rows; NULL before it has come anywhere, and in runs of earlier versions. Cost is in US dollars.
_COUNTS = (
    "ALTER TABLE runs ADD COLUMN answered INTEGER",
    "ALTER TABLE runs ADD COLUMN failed INTEGER",
    "ALTER TABLE runs ADD COLUMN known INTEGER",
    "ALTER TABLE runs ADD COLUMN cost REAL",
)

# A file's `user_version` is the number of migrations that it has had.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (*_TABLES, *_VIEWS),
    _ORIGINS,
    # When a human is asked about the call, as JSON; NULL if nobody is.
    ("ALTER TABLE calls ADD COLUMN policy TEXT",),
    # The call whose tool asked the turn; NULL outside of tools.
    (
        "ALTER TABLE turns ADD COLUMN inside TEXT",
        "CREATE INDEX turns_inside_calls ON turns (inside) WHERE inside IS NOT NULL",
    ),
    _OWNERS,
    # Why the model stopped, in our words and in the provider's; NULL if it has not said so.
    (
        "ALTER TABLE turn_endings ADD COLUMN finish_reason TEXT",
        "ALTER TABLE turn_endings ADD COLUMN finish_said TEXT",
        "DROP VIEW readable_turns",
        _readable_turns(", turn_endings.finish_reason"),
    ),
    _PRINTED,
    _ROWS,
    _COUNTS,
)
