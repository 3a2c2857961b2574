"""What the jobs of Customer 360 share: its zones, datasets, and the manifest that publishes a snapshot."""
