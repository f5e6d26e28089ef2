"""What is measured about load-tester, each module one subject with `rows()` for the table."""
