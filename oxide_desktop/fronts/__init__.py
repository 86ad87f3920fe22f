"""The surfaces people and programs use. Each is given an Orchestrator."""
