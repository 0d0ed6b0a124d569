"""Experiments behind the figures in ``docs``: ``python -m benchmarks NAME``."""
