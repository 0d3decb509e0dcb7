"""The journal in SQLite: one file that keeps turns, calls and decisions when the kernel, the browser tab or the machine stops.

`open_sqlite_journal()` opens it. By default the file is `journal.db` in the platform's folder for user data, or under `LLM_USER_PATH`
if that is set; `LLM_NOTEBOOK_JOURNAL` names another file. Any SQLite tool can read the file, even while it is in use:

    sqlite3 journal.db "SELECT began_at, status, prompt, answer FROM readable_turns ORDER BY number DESC LIMIT 10"

`readable_turns` has a row per prompt and response: number, began_at, status (streaming, complete, interrupted, failed), model, prompt,
answer, error, seconds, input_tokens, output_tokens, notebook, cell_id, turn_id, parent_id, chain_id, conversation_id, finish_reason. If the
process that streamed an answer has died, the view still says `streaming`, while this package reads the turn as `interrupted`.

`readable_calls` has a row per tool call: number, changed_at, tool, arguments, state, reason (why a human was asked), verdict, said (the
reason of a denial, or the answer), edited_arguments, decided_by, decided_at, result, note, call_id, turn_id. If the process that ran a
call has died, the view still says `started`, while this package reads the call as `unknown`. `call_transitions` has a row for each
state that a call went through.
"""

from llm_notebook.journal.sqlite.journal import SQLiteJournal, open_sqlite_journal

__all__ = ["SQLiteJournal", "open_sqlite_journal"]
