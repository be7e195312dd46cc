"""What the editor wrote."""
