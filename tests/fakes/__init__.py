"""Stand-ins for the services that news talks to; they listen on 127.0.0.1 only."""
