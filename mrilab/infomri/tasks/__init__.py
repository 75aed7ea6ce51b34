"""Lesson 5, part 2: sampling for a task instead of an image (Peng et al. 2026, algorithms 2 to 5)."""
