"""The contracts of a task: what `check_task` puts to the test, and the report of it."""
