"""What sends: clock, connections, attack workers."""
