"""The words every floor shares: types, results, errors, seeds, progress. Imports nothing of spolia."""
