"""What the load tester knows: pure types and rules, with no clock, socket or event loop."""
