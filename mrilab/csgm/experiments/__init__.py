"""The long experiments of this paper: one module each, with `EXPERIMENT`, named as its file in results/."""
