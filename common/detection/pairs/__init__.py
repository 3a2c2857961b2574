"""Scoring of pairs of a host and a peer: read, activity, evidence, score."""
