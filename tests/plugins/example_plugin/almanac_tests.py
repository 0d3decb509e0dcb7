"""How the plugin's own tests look."""

from __future__ import annotations

from llm_notebook_almanac import first_lines

import llm_notebook as llm


async def test_first_lines():
    model = llm.get_async_model("proverbs")
    fake = llm.AsyncResponse.fake(model, "What is 2+2?", system="You are a maths tutor.", response="4\nReally.")
    assert await first_lines([fake]) == ["4"]
