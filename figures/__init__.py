"""What shows the theory: figures drawn from stored values, returned as matplotlib Figures.

Run it with `python -m figures`. Every figure is a `Plot`: data in figures/data, one style, alt text.
"""
