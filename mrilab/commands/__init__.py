"""One module a command: each has `register(app)` and is found by `mrilab.cli`."""
