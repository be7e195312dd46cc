"""A mail's CSS: parsed, matched with its elements, and computed for a screen."""
