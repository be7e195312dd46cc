"""The local preview: an issue as its readers will see it, in a browser, while it is being written."""
