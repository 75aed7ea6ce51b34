"""Lessons 0 and 1: solutions and typical mistakes. `EXERCISES` and `FIRST` say what each is held against."""

import math

import torch
from torch import Tensor

from mrilab.anatomy.arrays import random_array
from mrilab.physics.fourier import fft2c, ifft2c
from mrilab.physics.noise import complex_noise
from mrilab.teach.exercises import Exercise, Mistake


def null_time(t1: float, tr: float) -> float:
    """Return the ti (ms) at which 1 - 2 exp(-ti/t1) + exp(-tr/t1) = 0."""
    return t1 * math.log(2 / (1 + math.exp(-tr / t1)))


def spacing_and_pixel(fov: float, n: int) -> tuple[float, float]:
    """Return dk = 1 / FOV and the pixel, which is one over the extent n dk of n samples."""
    dk = 1 / fov
    return dk, 1 / (n * dk)


def true_acceleration(mask: Tensor, shape: tuple[int, int]) -> float:
    """Return points of the grid over points sampled. A (1, W) mask stands for all rows."""
    return shape[0] * shape[1] / int(mask.expand(shape).sum())


def unfold(aliased: Tensor, maps: Tensor) -> Tensor:
    """Solve aliased (coil,) = maps (coil, 2) @ pixels (2,) by least squares."""
    return torch.linalg.solve(maps.mH @ maps, maps.mH @ aliased)


def g_factor(maps: Tensor) -> Tensor:
    """Return the root of [(S^H S)^-1]_jj [S^H S]_jj, (2,), for maps (coil, 2)."""
    gram = maps.mH @ maps
    return (torch.linalg.inv(gram).diagonal() * gram.diagonal()).real.sqrt()


def adjoint(y: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
    """Apply S^H F^H P: the three factors of A = P F S in reverse order, each conjugated."""
    return (maps.conj() * ifft2c(mask * y)).sum(0)


def soft_threshold(c: Tensor, t: float) -> Tensor:
    """Shrink the magnitude of complex c by t, down to zero, and keep the phase."""
    return torch.sgn(c) * (c.abs() - t).clamp(min=0)


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """Return 20 log10(max |reference| / RMSE of the magnitudes), in dB."""
    error = (x.abs() - reference.abs()).square().mean().sqrt()
    return 20 * torch.log10(reference.abs().max() / error)


def _complex(*shape: int) -> Tensor:
    return complex_noise(shape, torch.Generator().manual_seed(1))


def _mask(kept: slice | list[int], n: int = 24) -> Tensor:
    lines = torch.zeros(1, n, dtype=torch.bool)
    lines[:, kept] = True
    return lines


def _widest_gap(mask: Tensor, shape: tuple[int, int]) -> float:
    """Return the largest distance of neighbouring lines, or of points in the flattened mask: the nominal R of lines."""
    sampled = mask.expand(shape)
    lines = sampled.any(0) if mask.shape[0] == 1 else sampled.any(1) if mask.shape[1] == 1 else sampled.flatten()
    return float(lines.nonzero().flatten().diff().max())


_pixels, _maps = _complex(2), _complex(4, 2)
# Not normalised: maps whose squares sum to 1 would let a division by that sum pass for an adjoint.
_coils = random_array(4, torch.Generator().manual_seed(1)).sensitivities((12, 10))
_points = torch.rand(12, 10, generator=torch.Generator().manual_seed(2)) < 0.3
_image = _complex(12, 10)

EXERCISES = {
    "null-time": Exercise(
        null_time,
        "for long TR this is T1 ln 2, about 0.69 T1; with a finite TR the null comes earlier.",
        {
            "long-tr": Mistake(lambda t1, tr: t1 * math.log(2), "true for TR much longer than T1; keep exp(-TR/T1)."),
            "ti-is-t1": Mistake(lambda t1, tr: t1, "at TI = T1 the signal is already positive: solve S(TI) = 0."),
            "log10": Mistake(
                lambda t1, tr: t1 * math.log10(2 / (1 + math.exp(-tr / t1))), "use the natural logarithm, math.log."
            ),
        },
        cases=[(4160.0, 9000.0), (830.0, 2000.0), (371.0, 3000.0)],
    ),
    "fov": Exercise(
        spacing_and_pixel,
        "spacing sets the field of view, extent sets the pixel; the number of samples ties the two together.",
        {
            "half-extent": Mistake(
                lambda fov, n: (1 / fov, 2 * fov / n),
                "k-space reaches from -k_max to +k_max: its extent is 2 k_max = N dk, and the pixel is one over that.",
            ),
            "radians": Mistake(
                lambda fov, n: (2 * math.pi / fov, fov / n), "that is dk in radians per mm; the lesson counts cycles."
            ),
            "dk-is-pixel": Mistake(
                lambda fov, n: (fov / n, 1 / fov), "you have swapped them: a wide field of view needs a fine dk."
            ),
        },
        cases=[(256.0, 128), (180.0, 300)],
    ),
    "energy": Exercise(
        "c",
        "contrast lives in the centre of k-space; the other nine tenths of the lines hold the edges.",
        {
            "a": Mistake("a", "that would be so if all lines were equal. Look at the logarithmic k-space once more."),
            "b": Mistake("b", "more than that: remember that the grey values of the figure are logarithms."),
        },
    ),
    "effective": Exercise(
        true_acceleration,
        "this is the acceleration that a fair comparison quotes.",
        {
            "fraction": Mistake(
                lambda mask, shape: int(mask.expand(shape).sum()) / (shape[0] * shape[1]),
                "that is the sampled fraction; acceleration is one over it.",
            ),
            "lines-only": Mistake(
                lambda mask, shape: shape[0] * shape[1] / int(mask.sum()),
                "a (1, W) mask stands for every row: expand it to the whole grid before counting.",
            ),
            "nominal": Mistake(
                _widest_gap,
                "that is the spacing of the outer lines, the nominal R; the lines in the centre come on top.",
            ),
        },
        cases=[
            (_mask(slice(None, None, 4)), (16, 24)),  # 4, as nominal
            (_mask([0, 4, 8, 10, 11, 12, 13, 14, 16, 20]), (10, 24)),  # 2.4, with calibration lines
            (_mask([0, 6, 12, 18], 24).mT, (24, 10)),  # rows
            (_points, (12, 10)),
        ],
    ),
    "unfold": Exercise(
        unfold,
        "two unknowns, several coils: least squares finds both pixels.",
        {
            "no-conjugate": Mistake(
                lambda a, s: torch.linalg.solve(s.mT @ s, s.mT @ a),
                "the maps are complex: the adjoint is the conjugate transpose, .mH, not .mT.",
            ),
            "adjoint-only": Mistake(
                lambda a, s: s.mH @ a, "that is S^H a; it still mixes the pixels: solve with S^H S."
            ),
            "sum-of-coils": Mistake(
                lambda a, s: (s.mH @ a) / s.abs().square().sum(0),
                "dividing by the sum of squares treats each pixel alone; the off-diagonal of S^H S is what unfolds.",
            ),
            "twice": Mistake(
                lambda a, s: 2 * unfold(a, s), "here the aliased value is the plain sum: leave out the factor of 2."
            ),
        },
        cases=[(_maps @ _pixels, _maps), (_complex(6), _complex(6, 2))],
    ),
    "g-factor": Exercise(
        g_factor,
        "g is 1 where the coils see the two pixels differently, and grows where they look alike.",
        {
            "no-gram": Mistake(
                lambda s: torch.linalg.inv(s.mH @ s).diagonal().real.sqrt(),
                "that is the noise itself. Relative to full sampling there is the factor [S^H S]_jj.",
            ),
            "no-root": Mistake(
                lambda s: (torch.linalg.inv(s.mH @ s).diagonal() * (s.mH @ s).diagonal()).real,
                "that is the ratio of variances; g is a ratio of standard deviations.",
            ),
            "with-root-r": Mistake(
                lambda s: g_factor(s) * 2**0.5, "the square root of R is counted apart: noise grows by g times sqrt(R)."
            ),
            "no-conjugate": Mistake(
                lambda s: (torch.linalg.inv(s.mT @ s).diagonal() * (s.mT @ s).diagonal()).abs().sqrt(),
                "the maps are complex: S^H is the conjugate transpose, .mH, not .mT.",
            ),
        },
        cases=[(_maps,), (_complex(6, 2),)],
    ),
    "adjoint": Exercise(
        adjoint,
        "reverse the order, conjugate each factor. The dot test would have told you, too.",
        {
            "no-conjugate": Mistake(
                lambda y, s, p: (s * ifft2c(p * y)).sum(0), "the adjoint of S is S^H: conjugate the maps."
            ),
            "forward-transform": Mistake(
                lambda y, s, p: (s.conj() * fft2c(p * y)).sum(0), "the adjoint of a unitary transform is its inverse."
            ),
            "no-mask": Mistake(
                lambda y, s, p: (s.conj() * ifft2c(y)).sum(0),
                "P is its own adjoint and has to appear: points that A never measures must not count.",
            ),
            "normalised": Mistake(
                lambda y, s, p: (s.conj() * ifft2c(p * y)).sum(0) / s.abs().square().sum(0),
                "that division belongs to the MVUE of maps that are not normalised; an adjoint divides by nothing.",
            ),
            "no-sum": Mistake(
                lambda y, s, p: s.conj() * ifft2c(p * y), "S makes many images of one, so S^H adds them up again."
            ),
        },
        cases=[
            (_complex(4, 12, 10), _coils, _mask(slice(None, None, 2), 10)),
            (_complex(4, 12, 10).flip(0), _coils, _points),
        ],
    ),
    "soft-threshold": Exercise(
        soft_threshold,
        "it is the proximal operator of t |c|, and it works on any phase.",
        {
            "hard": Mistake(
                lambda c, t: c * (c.abs() > t), "that is the hard threshold: what survives must shrink by t as well."
            ),
            "parts": Mistake(
                lambda c, t: torch.complex(*((v.sign() * (v.abs() - t).clamp(min=0)) for v in (c.real, c.imag))),
                "shrinking real and imaginary part apart changes the phase; shrink the magnitude.",
            ),
            "no-clamp": Mistake(
                lambda c, t: torch.sgn(c) * (c.abs() - t), "below t the magnitude came out negative; stop at zero."
            ),
        },
        cases=[(3 * _complex(40), 0.8), (_complex(5, 7), 0.3)],
    ),
    "psnr": Exercise(
        psnr,
        "write down the reference and the data range with every PSNR; without them it is a number without a unit.",
        {
            "own-maximum": Mistake(
                lambda x, r: 20 * torch.log10(x.abs().max() / (x.abs() - r.abs()).square().mean().sqrt()),
                "the peak must be that of the reference: a reconstruction must not set its own scale.",
            ),
            "complex-difference": Mistake(
                lambda x, r: 20 * torch.log10(r.abs().max() / (x - r).abs().square().mean().sqrt()),
                "metrics here compare magnitudes: take abs before the difference, or a phase offset counts as error.",
            ),
            "sum": Mistake(
                lambda x, r: 20 * torch.log10(r.abs().max() / (x.abs() - r.abs()).square().sum().sqrt()),
                "take the mean over the pixels, not the sum: a larger image must not score worse.",
            ),
            "ten": Mistake(lambda x, r: psnr(x, r) / 2, "10 log10 is for powers; amplitudes need 20 log10."),
        },
        cases=[(_image + 0.1 * _complex(12, 10).flip(0), _image), (0.8 * _image * 1j, _image)],
    ),
    "lesion": Exercise(
        "b",
        "a few pixels hardly count in a mean over all pixels: no metric of the whole image can vouch for a lesion.",
        {
            "a": Mistake("a", "look at the numbers: the noisy image keeps the lesion and has the lower PSNR."),
            "c": Mistake("c", "a mean over all pixels does not know which of them matter to the patient."),
        },
    ),
}


FIRST = {
    "first": Exercise(
        96,
        "a quarter of 128 lines is 32; the other 96 are never measured.",
        {"measured": Mistake(32, "those are the lines that are measured; how many are not?")},
    ),
}
