"""Cards that the tests open, and a network small enough to be built where it is needed."""
