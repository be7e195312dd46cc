"""From an issue to mail, without reading a clock, a database or the network."""
