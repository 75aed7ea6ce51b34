"""What lessons are made of: figures, widgets, exercises, notation, and the runner that executes them."""
