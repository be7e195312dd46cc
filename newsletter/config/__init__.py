"""The configuration: newsletter.yml and the environment."""
