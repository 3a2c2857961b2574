"""Drift: how far the input has moved from what a model was trained on."""
