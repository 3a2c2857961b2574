"""The judging of pairs of host and peer: read, activity, evidence, score."""
