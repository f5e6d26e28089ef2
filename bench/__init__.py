"""What is measured about load-tester: each module one subject, each subject some rows of the table."""
