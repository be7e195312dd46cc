"""The local preview: a web page that shows an issue as mail while its author writes it."""
