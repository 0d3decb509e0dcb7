"""The tools of MCP servers, with a real server over stdio and over HTTP."""
