"""The words every floor shares. Imports nothing else of spolia."""
