"""A Model Context Protocol server that prints to its standard output, and whose tools have names that differ only in what providers refuse.

The `mcp` package's own server class does neither, so this one writes its messages itself.
"""

from __future__ import annotations

import json
import sys
from typing import Any

LONG = "very_" * 14
NAMES = ["a.b", "a_b", "a/b", f"{LONG}one", f"{LONG}two", "echo", "echo"]


def _answer(request: dict[str, Any]) -> dict[str, Any] | None:
    match request["method"]:
        case "initialize":
            version = request["params"]["protocolVersion"]
            return {
                "protocolVersion": version,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"},
            }
        case "tools/list" if "endless" in sys.argv:
            return {"tools": [], "nextCursor": "more"}
        case "tools/list":
            return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in NAMES]}
        case "tools/call":
            sys.stdout.write("LOG: calling\n")
            return {"content": [{"type": "text", "text": f"ran {request['params']['name']}"}]}
    return None


def main() -> None:
    """Answer the requests on standard input, one a line."""
    sys.stdout.write("Server mode: STDIO\n")
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\xff\xfe\n")
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = _answer(request)
        answer = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
