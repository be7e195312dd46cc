"""Turn a rendered issue into a message for each recipient."""
