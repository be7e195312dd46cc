"""A mail's CSS: read, matched with its elements, and worked out for a screen."""
