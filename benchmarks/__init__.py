"""Tables of memory, time and precision: `python -m benchmarks --help`."""
