"""The durable history and the routing rules."""
