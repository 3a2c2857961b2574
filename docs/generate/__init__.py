"""The pages of the reference, generated from what they describe."""
