"""Reconstruction methods, one module each, found by name: see `mrilab.methods.registry`."""
