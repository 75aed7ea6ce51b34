"""MRI physics: signal, Fourier transform, sampling, coils, the forward model and classical reconstruction."""
