"""Tools: the functions and toolboxes that a model may call, its calls, and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.tools.calls import CancelToolCall as CancelToolCall
    from llm_notebook.tools.calls import ToolCall as ToolCall
    from llm_notebook.tools.calls import ToolResult as ToolResult
    from llm_notebook.tools.collecting import as_tools as as_tools
    from llm_notebook.tools.outputs import ToolOutput as ToolOutput
    from llm_notebook.tools.schemas import schema_dsl as schema_dsl
    from llm_notebook.tools.server_side import ServerSideTool as ServerSideTool
    from llm_notebook.tools.tool import Tool as Tool
    from llm_notebook.tools.toolbox import Toolbox as Toolbox
