"""Decisions and intervals: pure functions of arrays."""
