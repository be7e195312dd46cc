"""The use cases of news, without a terminal."""
