"""Render the web pages, the feeds and the pictures of the public archive, without files, clock or network."""
