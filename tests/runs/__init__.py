"""Tests of what remembers."""
