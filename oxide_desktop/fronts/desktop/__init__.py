"""The tray app."""
