"""How long, how fast and on what a task is trained."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a task is trained. `batch` is the global batch, made in `parts` that any number of devices share."""

    steps: int  # Length of the run, or of its schedule where `minutes` says how long it is.
    batch: int
    parts: int = 2
    learning_rate: float = 4e-4
    warmup: int = 100  # Steps of linear rise. A half cosine follows, down to 0 at `steps`.
    clip: float = 1.0  # Largest norm of the gradient, of each group of parameters.
    ema: float = 0.999  # Decay of the averaged weights in a step. It is less in the beginning.
    seed: int = 0
    precision: str = "auto"  # Arithmetic of the network: 32-true, bf16-mixed, or auto: bf16-mixed on GPUs alone.
    log_every: int = 10
    validate_every: int = 500
    minutes: float | None = None  # Budget of wall-clock time, through which the schedule of `steps` is stretched.

    def rate(self, step: float) -> float:
        """Return the learning rate of step 0, 1, ..., or of any place between them."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        fall = max(0, step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * fall))


@dataclass(frozen=True)
class Profile:
    """`side` of the square training images and `width` of the network, which takes images of any shape afterwards."""

    side: int
    width: int
    settings: Settings
