"""Tests of the transformer."""
