"""The long experiments of this paper, one a module. The module has the name of its file in results/."""
