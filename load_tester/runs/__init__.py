"""What remembers: run states, the supervisor, the store."""
