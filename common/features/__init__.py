"""The feature specification, and the robust scales of deviations."""
