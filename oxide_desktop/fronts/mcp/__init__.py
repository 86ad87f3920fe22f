"""MCP, for Claude Code and its kind."""
