"""Solutions of the exercises, one module a lesson, with the mistakes that the checks know. Look only after trying."""
