"""Attacks and copy metrics, one paper a file: arrays in, scores out, up is always more."""
