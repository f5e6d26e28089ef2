"""Evaluates a config script into a plan of load tests and drives the daemon through it."""
