"""Lesson 5. Information-theoretic learned sampling, after Peng et al. (2026), "InfoMRI"."""
