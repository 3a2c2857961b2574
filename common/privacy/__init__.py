"""Names of people in the lake: where they stand, the pseudonyms in their place, and the log of who looked at what."""
