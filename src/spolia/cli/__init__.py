"""The command line: one file a command, everything heavy loaded when a command runs."""
