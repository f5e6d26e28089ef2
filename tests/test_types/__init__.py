"""Tests of the test types."""
