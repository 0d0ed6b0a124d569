"""spolia: what does a synthetic image set give away of its training images?"""

__version__ = "0.1.0"
