"""What shows the theory: figures drawn from computed values, returned as matplotlib Figures.

Run it with `python -m figures`; nothing here keeps global state, so figures can be drawn in any order and in threads.
"""
