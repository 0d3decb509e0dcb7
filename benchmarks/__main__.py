"""`python -m benchmarks`: every benchmark, one after the other."""

from __future__ import annotations

from benchmarks import import_time, journal, streaming, tool_loop

import_time.run()
streaming.run()
tool_loop.run()
journal.run()
