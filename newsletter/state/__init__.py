"""What this machine keeps and nobody commits."""
