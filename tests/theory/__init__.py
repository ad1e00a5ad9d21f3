"""Tests of the package theory."""
