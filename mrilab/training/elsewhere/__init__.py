"""What networks for scans from elsewhere are trained on: any image, any Cartesian sampling, any array of coils."""
