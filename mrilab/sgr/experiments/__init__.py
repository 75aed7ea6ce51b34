"""The experiments of lesson 4."""
