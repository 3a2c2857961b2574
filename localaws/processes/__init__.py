"""Jobs as child processes, and the slots that bound them."""
