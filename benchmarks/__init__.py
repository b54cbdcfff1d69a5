"""What the project promises to be measured by. Each module is run on its own: `python -m benchmarks.<name>`."""
