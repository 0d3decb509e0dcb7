"""Servers of the Model Context Protocol: their tools as a Toolbox, over the official `mcp` package, which loads when one is connected to."""
