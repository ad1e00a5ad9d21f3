"""Mutation testing: does a test go red when the code is broken a little? See `python -m tests.mutants --help`."""
