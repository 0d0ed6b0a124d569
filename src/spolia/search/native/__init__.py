"""The compiled engine: a filter on small whole numbers with a proven bound, then exact sums."""
