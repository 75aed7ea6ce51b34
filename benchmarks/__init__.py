"""Speed against floors and peers; every table comes from one run on one machine: `python -m benchmarks [NAME ...]`."""
