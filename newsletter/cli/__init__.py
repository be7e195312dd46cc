"""The command line: options, questions, printing."""
