"""Figures of one's own: of a problem file, a sweep, an instance of a task, a head, a trained model's attention.

Each module has the rows that are drawn, what draws them (into Axes that are given, or a figure of its own), and the words.
"""
