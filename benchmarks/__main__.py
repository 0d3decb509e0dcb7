"""`python -m benchmarks`: runs every benchmark, one after the other."""

from __future__ import annotations

from benchmarks import browser_stream, import_time, journal, many_at_once, rows, streamed_rows, streaming, tool_loop

import_time.run()
streaming.run()
tool_loop.run()
many_at_once.run()
rows.run()
streamed_rows.run()
journal.run()
browser_stream.run()
