"""What the bars of speed and memory are measured by, beside the raw limit of the same run: `python -m tests.bench`."""
