"""Make the public archive of the issues that were published: pure functions, without files and network."""
