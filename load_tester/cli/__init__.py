"""Composition root: the only reader of argv and the environment."""
