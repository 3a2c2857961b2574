"""The members that score the features of a host."""
