"""Tests of the package figures."""
