"""The definitions and diagrams of the state machines, generated from their sources."""
