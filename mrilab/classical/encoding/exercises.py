"""Lesson 1b, signal encoding: solutions and typical mistakes; `EXERCISES` stands at the end."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mrilab.teach.exercises import Exercise, Mistake

GAMMA = 42.577478518  # kHz per mT, as in mrilab.physics.gradients
TURN = 2 * math.pi


def frequency(gradient: float, position: float) -> float:
    """Return the offset in Hz of spins at `position` (mm) in a gradient (mT/m)."""
    return GAMMA * gradient * position  # kHz / mT times mT / m times mm is Hz


def trajectory(gradient: Tensor, dt: float) -> Tensor:
    """Return k (time,) in cycles per mm at the end of each step, for a gradient (time,) in mT/m and dt in ms."""
    return GAMMA * 1e-3 * dt * torch.cumsum(gradient, 0)


def readout(fov: float, dwell: float) -> float:
    """Return the gradient (mT/m) that moves k by 1 / fov in one dwell time (mm, ms)."""
    return 1 / (GAMMA * 1e-3 * fov * dwell)


def thickness(bandwidth: float, gradient: float) -> float:
    """Return the thickness in mm of the slice that a pulse of so many kHz excites in a gradient (mT/m)."""
    return bandwidth / (GAMMA * 1e-3 * gradient)


def shift(offset: float, samples: int, dwell: float) -> float:
    """Return the shift in pixels of spins off resonance by `offset` Hz, with samples `dwell` ms apart."""
    return offset * samples * dwell * 1e-3


def scan_seconds(tr: float, lines: int, samples: int, averages: int, acceleration: float) -> float:
    """Return the seconds of a scan with TR in ms. How many samples a readout has does not matter."""
    return tr * lines * averages / acceleration / 1e3


def _constant(solution: Callable, case: Sequence) -> Mistake:
    """Return the mistake of handing in the number of one case."""
    return Mistake(
        lambda *_: solution(*case), "that is one number, whatever the arguments; compute it from the arguments."
    )


def _lobes(*heights: float) -> Tensor:
    return torch.tensor(heights, dtype=torch.float64)


_FREQUENCY = [(10.0, 30.0), (2.5, -80.0)]
_TRAJECTORY = [(_lobes(-10, -10, 5, 5, 5, 5), 0.1), (_lobes(3, 7, -2), 0.25)]
_READOUT = [(256.0, 0.01), (180.0, 0.025)]
_THICKNESS = [(2.0, 9.4), (0.9, 20.0)]
_SHIFT = [(440.0, 256, 0.01), (-120.0, 96, 0.04)]
_TIME = [(500.0, 256, 320, 1, 1.0), (4000.0, 192, 256, 2, 3.0), (600.0, 128, 512, 4, 2.0)]

LOOKS = {  # what each cause would look like
    "a": "motion between the lines gives weak copies of the object, left and right of it, along the phase encoding.",
    "b": "a wrong field moves, squeezes or stretches one place along the readout; the rest of the image stays sharp.",
    "c": "a field of view that is too small folds what lies outside in from the other side; nothing gets blurred.",
    "d": "one wrong sample adds one wave: stripes over the object, and an even grey in the air, where it is alone.",
    "e": "lines left out on one side blur the image along the phase encoding alone, without copies.",
}


def _fault(right: str) -> Exercise:
    return Exercise(
        right, LOOKS[right], {letter: Mistake(letter, look) for letter, look in LOOKS.items() if letter != right}
    )


EXERCISES = {
    "frequency": Exercise(
        frequency,
        "kHz per mT times mT per m times mm is Hz: the two thousands cancel.",
        {
            "radians": Mistake(
                lambda g, x: TURN * frequency(g, x), "that is in radians per second; a hertz is a whole turn a second."
            ),
            "kilohertz": Mistake(
                lambda g, x: frequency(g, x) / 1e3, "that is in kHz; the question asks for Hz."
            ),
            "metres": Mistake(
                lambda g, x: frequency(g, x) * 1e3, "the gradient is per metre and the position in mm: a factor 1000."
            ),
            "sign": Mistake(
                lambda g, x: abs(frequency(g, x)), "at negative positions the field is weaker: keep the sign."
            ),
            "constant": _constant(frequency, _FREQUENCY[0]),
        },
        cases=_FREQUENCY,
    ),
    "slice": Exercise(
        thickness,
        "a strong gradient or a narrow bandwidth makes a thin slice.",
        {
            "radians": Mistake(
                lambda b, g: thickness(b, g) / TURN, "a bandwidth in kHz needs gamma over 2 pi, not gamma in rad."
            ),
            "inverse": Mistake(
                lambda b, g: 1 / thickness(b, g), "that is in slices per mm: divide the bandwidth by the kHz per mm."
            ),
            "metres": Mistake(lambda b, g: thickness(b, g) / 1e3, "that is in metres."),
            "product": Mistake(
                lambda b, g: b * GAMMA * 1e-3 * g, "a stronger gradient makes the slice thinner: divide, not multiply."
            ),
            "constant": _constant(thickness, _THICKNESS[0]),
        },
        cases=_THICKNESS,
    ),
    "trajectory": Exercise(
        trajectory,
        "k is where the area under the gradient has got to. The 1e-3 turns metres into mm.",
        {
            "radians": Mistake(
                lambda g, dt: TURN * trajectory(g, dt), "that is in radians per mm; this course counts cycles."
            ),
            "early": Mistake(
                lambda g, dt: trajectory(g, dt) - GAMMA * 1e-3 * dt * g,
                "that is k at the beginning of each step; one sample too early.",
            ),
            "no-dt": Mistake(lambda g, dt: trajectory(g, dt) / dt, "the sum becomes an integral by the factor dt."),
            "metres": Mistake(lambda g, dt: trajectory(g, dt) * 1e3, "that is in cycles per metre; a factor 1000."),
            "no-sum": Mistake(
                lambda g, dt: GAMMA * 1e-3 * dt * g, "that is how far k moves in each step; add the steps up."
            ),
            "constant": Mistake(
                lambda g, dt: trajectory(g, dt)[-1].expand(len(g)),
                "that is the last k at all times; torch.cumsum keeps the sum so far.",
            ),
        },
        cases=_TRAJECTORY,
    ),
    "readout": Exercise(
        readout,
        "a small field of view or fast sampling needs a strong gradient: that is what gradient coils are built for.",
        {
            "radians": Mistake(
                lambda fov, dwell: readout(fov, dwell) / TURN, "with dk = 1 / FOV in cycles, use gamma over 2 pi."
            ),
            "half": Mistake(
                lambda fov, dwell: readout(fov, dwell) / 2,
                "complex samples tell plus from minus: the bandwidth is 1 / dwell, not half of it.",
            ),
            "pixel": Mistake(
                lambda fov, dwell: fov / (GAMMA * 1e-3 * dwell), "dk is one over the field of view, not the view."
            ),
            "metres": Mistake(
                lambda fov, dwell: readout(fov, dwell) / 1e3, "that is in mT per mm; the question asks for mT per m."
            ),
            "constant": _constant(readout, _READOUT[0]),
        },
        cases=_READOUT,
    ),
    "scan-time": Exercise(
        scan_seconds,
        "samples along the readout are free: they are taken while the echo lasts.",
        {
            "milliseconds": Mistake(lambda *a: scan_seconds(*a) * 1e3, "that is in ms."),
            "samples": Mistake(
                lambda tr, lines, samples, n, r: scan_seconds(tr, samples, samples, n, r),
                "each repetition gives a whole readout: it is the lines that cost time, not the samples.",
            ),
            "no-averages": Mistake(
                lambda tr, lines, samples, n, r: scan_seconds(tr, lines, samples, 1, r), "every average measures anew."
            ),
            "no-acceleration": Mistake(
                lambda tr, lines, samples, n, r: scan_seconds(tr, lines, samples, n, 1), "of R lines one is measured."
            ),
            "upside-down": Mistake(
                lambda tr, lines, samples, n, r: scan_seconds(tr, lines, samples, n, 1 / r),
                "acceleration makes a scan shorter: divide by it.",
            ),
            "constant": _constant(scan_seconds, _TIME[0]),
        },
        cases=_TIME,
    ),
    "isotropic": Exercise(
        64,
        "half the side in three directions is an eighth of the volume, and noise wants 8 x 8 times the time for it.",
        {
            "volume": Mistake(8, "that is how much smaller the voxel is; the SNR grows with the root of the time."),
            "root": Mistake(3, "the root of 8 is how much SNR eight times the time brings; how much is missing?"),
            "side": Mistake(2, "the side halves in three directions, and the SNR goes with the volume."),
            "plane": Mistake(16, "that is for two directions; the slice gets thinner, too."),
        },
    ),
    "shift": Exercise(
        shift,
        "Hz over Hz per pixel. A short dwell time, which is a large bandwidth, shifts less and lets in more noise.",
        {
            "radians": Mistake(lambda f, n, d: TURN * shift(f, n, d), "hertz over hertz per pixel: no 2 pi remains."),
            "fencepost": Mistake(
                lambda f, n, d: shift(f, n - 1, d), "the bandwidth 1 / dwell is shared by n pixels, not by n - 1."
            ),
            "inverse": Mistake(lambda f, n, d: 1 / shift(f, n, d), "that is pixels upside down: Hz over Hz per pixel."),
            "share": Mistake(
                lambda f, n, d: shift(f, 1, d), "that is the share of the field of view; how many pixels is it?"
            ),
            "milliseconds": Mistake(lambda f, n, d: shift(f, n, d) * 1e3, "the dwell time is in ms, the offset in Hz."),
            "sign": Mistake(lambda f, n, d: abs(shift(f, n, d)), "a negative offset shifts the other way."),
            "constant": _constant(shift, _SHIFT[0]),
        },
        cases=_SHIFT,
    ),
    "fault-1": _fault("d"),
    "fault-2": _fault("c"),
    "fault-3": _fault("a"),
    "fault-4": _fault("b"),
    "fault-5": _fault("e"),
}  # fmt: skip
