"""From what is rendered to a message for each recipient."""
