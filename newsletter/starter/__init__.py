"""The files of a new newsletter: its configuration, its first issue, and its workflows for GitHub."""
