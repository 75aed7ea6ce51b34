"""Anatomy made from code: heads from the MNI152 template, knee, abdomen and ellipse phantoms, receive arrays."""
