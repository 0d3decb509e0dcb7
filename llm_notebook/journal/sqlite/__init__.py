"""The journal in SQLite: what was said, asked, decided and run, in one file that survives kernels, tabs and machines.

`open_sqlite_journal()` opens it, by default `journal.db` in the platform's folder for user data (under `LLM_USER_PATH` where that is
set; `LLM_NOTEBOOK_JOURNAL` names another file). Any SQLite tool reads it, also while it is in use:

    sqlite3 journal.db "SELECT began_at, status, prompt, answer FROM readable_turns ORDER BY number DESC LIMIT 10"

`readable_turns` has a row per prompt and response: number, began_at, status (streaming, complete, interrupted, failed), model, prompt,
answer, error, seconds, input_tokens, output_tokens, notebook, cell_id, turn_id, parent_id, chain_id, conversation_id.

`readable_calls` has a row per tool call: number, changed_at, tool, arguments, state, reason (why a human was asked), verdict, said (the
reason of a denial, or the answer), edited_arguments, decided_by, decided_at, result, note, call_id, turn_id. A call in state `started`
whose process has died reads as `unknown` here, but not there. `call_transitions` tells how each call came to its state.
"""

from llm_notebook.journal.sqlite.journal import SQLiteJournal, open_sqlite_journal

__all__ = ["SQLiteJournal", "open_sqlite_journal"]
