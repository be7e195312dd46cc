"""Issues as Markdown: the front matter and the body of a `.md` file."""
