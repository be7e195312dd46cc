"""Parse Markdown with markdown-it, and write it as HTML and as plain text."""
