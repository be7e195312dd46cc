"""The use cases of news: check, prepare, send, export and status. None of them needs a terminal."""
