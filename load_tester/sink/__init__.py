"""A target for demonstrations and tests: it answers everything, counts it, and misbehaves exactly as told."""
