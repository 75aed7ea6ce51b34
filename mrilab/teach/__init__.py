"""What lessons are made of: figures, widgets, exercises, verdicts and notation."""
