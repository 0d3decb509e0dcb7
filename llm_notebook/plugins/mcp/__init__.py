"""Servers of the Model Context Protocol, whose tools become a Toolbox. The official `mcp` package is loaded with the first server."""
