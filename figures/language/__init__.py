"""What was measured of natural language, drawn: a module a figure, each with the rows that it draws of those measured."""
