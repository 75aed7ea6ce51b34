"""What every reconstruction method has in common: `registry`, and `exact` priors to hold samplers against."""
