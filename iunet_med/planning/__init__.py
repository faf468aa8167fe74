"""What fits a memory: crops, channels, and which levels to store."""
