"""`python -m benchmarks`: runs every benchmark, one after the other."""

from __future__ import annotations

from benchmarks import (
    browser_stream,
    completion,
    context,
    hostile_markdown,
    import_time,
    interrupt,
    journal,
    lab_start,
    load_extension,
    long_answer,
    many_at_once,
    rows,
    streamed_rows,
    streaming,
    tool_loop,
)

import_time.run()
load_extension.run()
completion.run()
context.run()
streaming.run()
tool_loop.run()
many_at_once.run()
rows.run()
streamed_rows.run()
journal.run()
long_answer.run()
browser_stream.run()
lab_start.run()
interrupt.run()
hostile_markdown.run()
