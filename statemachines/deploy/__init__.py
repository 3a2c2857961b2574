"""Deployment of the state machines and their resources."""
