"""The members of the detector: each scores a host's window in its own way."""
