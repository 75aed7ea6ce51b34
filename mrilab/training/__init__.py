"""Training of the course's networks: one loop that can be stopped and resumed, and checkpoints with cards."""
