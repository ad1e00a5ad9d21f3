"""Tests of the package idealized_model."""
