"""Run the lessons and write their pages: `run` calls `execute`, `cards` and `pages`. `check` looks at the machine."""
