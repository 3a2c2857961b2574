"""Model artifacts, and which of them is current."""
