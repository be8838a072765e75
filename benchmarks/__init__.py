"""What the bot costs, beside what it is measured against.

Each module with a `main()` is a benchmark, run as a process of its own by
`python -m benchmarks [name]`. It prints one JSON line per figure and nothing else
to its standard output.
"""
