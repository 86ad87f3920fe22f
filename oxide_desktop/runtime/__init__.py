"""Children, health and figures of the running system."""
