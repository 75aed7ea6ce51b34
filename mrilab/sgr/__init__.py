"""Lesson 4. Segmentation-guided reconstruction, after Morshuis, Hein and Baumgartner (2024), "SGR"."""
