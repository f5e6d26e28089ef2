"""Tests of the daemon's API."""
