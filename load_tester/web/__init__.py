"""What answers: the daemon's HTTP API."""
