"""YAML files: read once, with the line of every value, and every mistake in a sentence."""
