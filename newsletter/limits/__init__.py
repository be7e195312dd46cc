"""Run work with limits of time and memory, in a process that can be killed."""
