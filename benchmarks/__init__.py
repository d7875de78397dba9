"""How fast, beside a peer or a limit measured in the same run: `python -m benchmarks`, or `make bench`. See docs/performance.md."""
