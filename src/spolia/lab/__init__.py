"""Generators whose memorisation is known, and the images they learn."""
