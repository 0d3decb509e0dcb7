"""The tools of MCP servers, tested with a real server over stdio and over HTTP."""
