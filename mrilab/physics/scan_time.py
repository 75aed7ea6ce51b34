"""What a scan costs and what it gives: its time, its voxel, and its signal-to-noise ratio up to a factor.

Edelstein et al., Magn Reson Med 1986; 3:604. Macovski, Magn Reson Med 1996; 36:494.
"""

import math
from dataclasses import dataclass

from mrilab.errors import UserError
from mrilab.physics.gradients import hertz_per_pixel


@dataclass(frozen=True)
class Scan:
    """A Cartesian scan of one slice.

    tr, te: ms.
    lines: phase encodings that full sampling takes; `samples` are those of one readout.
    fov: along readout and phase encoding, mm; `thickness` of the slice, mm.
    dwell: ms between samples of the readout.
    averages: how often each line is measured.
    acceleration: effective R, so that lines / acceleration of the lines are measured.
    echo_train: lines that one excitation serves (turbo spin echo).

    Raises:
        UserError: a number that is not positive.
    """

    tr: float
    te: float
    lines: int
    samples: int
    fov: tuple[float, float] = (240.0, 240.0)
    thickness: float = 5.0
    dwell: float = 0.02
    averages: int = 1
    acceleration: float = 1.0
    echo_train: int = 1

    def __post_init__(self) -> None:
        numbers = {**vars(self), "fov": min(self.fov)}
        wrong = [name for name, value in numbers.items() if not value > 0]
        if wrong:
            raise UserError(f"a scan needs {', '.join(wrong)} above 0; correct it")

    def seconds(self) -> float:
        """Return TR x lines x averages, over what acceleration and echo train save."""
        return self.tr * self.lines * self.averages / (self.acceleration * self.echo_train) / 1e3

    def voxel(self) -> tuple[float, float, float]:
        """Return the sides of a voxel in mm: along readout, phase encoding and slice."""
        return self.fov[0] / self.samples, self.fov[1] / self.lines, self.thickness

    def sampling_ms(self) -> float:
        """Return for how long the receiver is open in all."""
        return self.samples * self.dwell * self.lines * self.averages / self.acceleration

    def hertz_per_pixel(self) -> float:
        """Return the receiver's bandwidth over the samples of a readout."""
        return hertz_per_pixel(self.samples, self.dwell)

    def snr(self) -> float:
        """Return voxel volume times root of the time of sampling, in mm^3 ms^(1/2), without the tissue's signal.

        The g-factor of an accelerated scan comes on top.
        """
        return math.prod(self.voxel()) * math.sqrt(self.sampling_ms())
