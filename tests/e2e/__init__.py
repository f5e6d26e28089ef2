"""End to end: the real programs as processes, on real sockets."""
