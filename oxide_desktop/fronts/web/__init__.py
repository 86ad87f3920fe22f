"""The local HTTP API and WebSocket."""
