"""The review of an issue for a pull request: its mail, pictures, problems, and changes as Markdown."""
