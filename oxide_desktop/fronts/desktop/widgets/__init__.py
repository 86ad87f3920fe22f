"""Widgets that several windows and pages use."""
