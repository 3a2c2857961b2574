"""The detector: its members, scoring of pairs, calibration, drift, the model registry, and alerts."""
