"""The public server: sign-up, unsubscribing, a person's own data, and the webhooks of providers."""
