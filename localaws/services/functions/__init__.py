"""Lambda: image functions whose image is named like a command run it as warm processes, through the Runtime API."""
