"""newsletter.yml and the environment."""
