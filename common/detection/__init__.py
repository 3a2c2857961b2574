"""The detector: its members, the judging of pairs, calibration, drift, the model registry, and alerts."""
