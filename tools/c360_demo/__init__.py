"""The demo of Customer 360, on the local AWS."""
