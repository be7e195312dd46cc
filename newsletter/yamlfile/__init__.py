"""YAML files: each is read once, with the line of every value, and each error is reported as a sentence."""
