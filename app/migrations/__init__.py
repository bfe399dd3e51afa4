"""Schema, version by version."""
