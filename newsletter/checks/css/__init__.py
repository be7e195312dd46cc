"""Parse a mail's CSS, match it with the mail's elements, and compute their styles for a screen."""
