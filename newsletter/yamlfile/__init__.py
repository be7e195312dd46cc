"""Read a YAML file once, with the line of every value, and report each mistake in it as a sentence."""
