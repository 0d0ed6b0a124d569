"""The installed version of spolia."""

from importlib.metadata import version

VERSION = version("spolia")
