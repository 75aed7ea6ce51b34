"""The long experiments, one module each with an `EXPERIMENT`; `mrilab experiment NAME` runs them."""
