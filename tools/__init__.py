"""Commands that no pipeline runs."""
