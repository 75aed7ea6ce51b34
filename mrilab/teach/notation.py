"""The notation ledger: what each symbol of the course is called in the code. A test imports every name."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Symbol:
    """One row of the ledger.

    symbol: LaTeX without dollar signs.
    code: a name that can be imported, "module:attribute", or a parameter of it, "module:function(parameter)".
    """

    symbol: str
    meaning: str
    code: str
    shape: str
    unit: str
    introduced: str

    @property
    def name(self) -> str:
        """Return how the symbol is written in the lessons' code."""
        return self.code.split(":")[1].split("(")[-1].rstrip(")")


PHYSICS = "mrilab.physics"
PRIOR = "mrilab.csgm.denoiser"
SAMPLER = "mrilab.csgm.langevin:annealed_langevin"
FLOW = "mrilab.flat.flow"
UNROLLED = "mrilab.flat.network:FLAT"
LEDGER = (
    Symbol("x", "image", f"{PHYSICS}:SenseModel.forward(x)", "(..., H, W)", "a.u.", "1.4"),
    Symbol("y", "measured k-space", f"{PHYSICS}:SenseModel.adjoint(y)", "(..., coil, H, W)", "a.u.", "1.4"),
    Symbol("A", "forward model, A = P F S", f"{PHYSICS}:SenseModel.forward", "image to k-space", "", "1.9"),
    Symbol("A^H", "adjoint of the forward model", f"{PHYSICS}:SenseModel.adjoint", "k-space to image", "", "1.9"),
    Symbol("A^H A", "normal operator", f"{PHYSICS}:SenseModel.normal", "image to image", "", "1.10"),
    Symbol("P", "sampling mask, true = sampled", f"{PHYSICS}:SenseModel(mask)", "(1, W), (H, 1), (H, W)", "", "1.5"),
    Symbol("F", "centred orthonormal Fourier transform", f"{PHYSICS}:fft2c", "(..., H, W)", "", "1.5"),
    Symbol("S_c", "sensitivity of coil c", f"{PHYSICS}:SenseModel(coil_maps)", "(coil, H, W)", "", "1.6"),
    Symbol("R", "acceleration, nominal", f"{PHYSICS}:make_mask(acceleration)", "number", "", "1.5"),
    Symbol(r"R_\mathrm{eff}", "acceleration, effective", f"{PHYSICS}:effective_acceleration", "number", "", "1.5"),
    Symbol("g", "g-factor", "mrilab.physics.gfactor:g_factor", "(H, W)", "", "1.6"),
    Symbol(
        r"\sigma", "noise, standard deviation of each real component",
        "mrilab.anatomy.acquire:simulate_scan(noise_std)", "number", "as y", "1.6",
    ),
    Symbol(r"\lambda", "weight of a regulariser, relative", f"{PHYSICS}:cg_sense(weight)", "number", "", "1.10"),
    Symbol("W", "orthonormal wavelet transform", f"{PHYSICS}:Wavelet2d", "image to coefficients", "", "1.10"),
    Symbol("T_1", "longitudinal relaxation time", f"{PHYSICS}:spin_echo(t1)", "per tissue", "ms", "1.2"),
    Symbol("T_2", "transverse relaxation time", f"{PHYSICS}:spin_echo(t2)", "per tissue", "ms", "1.2"),
    Symbol(r"\rho", "proton density", f"{PHYSICS}:spin_echo(pd)", "per tissue", "of water", "1.2"),
    Symbol("TR", "repetition time", f"{PHYSICS}:spin_echo(tr)", "number", "ms", "1.2"),
    Symbol("TE", "echo time", f"{PHYSICS}:spin_echo(te)", "number", "ms", "1.2"),
    Symbol("TI", "inversion time", f"{PHYSICS}:inversion_recovery(ti)", "number", "ms", "1.3"),
    Symbol("D", "denoiser, the mean of clean images given x", f"{PRIOR}:Denoiser.forward", "(n, H, W)", "", "2.3"),
    Symbol("f", "score, the gradient of the log density", f"{PRIOR}:Denoiser.score", "(n, H, W)", "1 / a.u.", "2.1"),
    Symbol(r"\beta_t", "noise level of the prior", f"{SAMPLER}(levels)", "(L,)", "of the scale", "2.4"),
    Symbol(r"\eta_L", "step at the last level", f"{SAMPLER}(step_lr)", "number", "of its square", "2.6"),
    Symbol(r"\gamma_t / \beta_t", "annealing of the data term", f"{SAMPLER}(gamma_ratio)", "number", "", "2.6"),
    Symbol("K", "samples of the posterior", f"{SAMPLER}(samples)", "number", "", "2.8"),
    Symbol("t_k", "time, 1 at the start, 0 at the image", "mrilab.flat.flow:time_grid", "(K + 1,)", "", "3.2"),
    Symbol("s", "noise of the flow's start", f"{FLOW}:GaussianFlow(s)", "number", "as x", "3.2"),
    Symbol("D_t", "denoiser given the data", f"{FLOW}:GaussianFlow.denoise", "(..., H, W)", "as x", "3.2"),
    Symbol("v_t", "velocity of the conditional flow", f"{FLOW}:GaussianFlow.velocity", "(..., H, W)", "as x", "3.2"),
    Symbol(r"\lambda_k", "share of the way in step k", "mrilab.flat.flow:relaxations", "(K,)", "", "3.3"),
    Symbol(r"\alpha", "how dense the times are near 0", "mrilab.flat.flow:time_grid(alpha)", "number", "", "3.3"),
    Symbol(r"\rho_t", "standard deviation of the image given $x_t$", f"{UNROLLED}.measure", "number", "as x", "3.4"),
    Symbol(r"\gamma_t", "trust in the data", "mrilab.flat.network:data_step(gamma)", "number", "", "3.4"),
    Symbol(r"\eta_k", "step of the data term in cascade k", f"{FLOW}:cascade", "number", "", "3.5"),
    Symbol("x^k", "states on the way", "mrilab.flat.network:Trajectory(states)", "(K + 1, n, H, W)", "as x", "3.1"),
    Symbol("N", "network of a cascade", f"{UNROLLED}.denoise", "(n, H, W)", "as x", "3.1"),
    Symbol("M", "magnetisation", "mrilab.physics.magnetisation:relax(m)", "(..., 3)", "of equilibrium", "1.2"),
)  # fmt: skip


def ledger_markdown(rows: Sequence[Symbol] = LEDGER) -> str:
    """Return the ledger as a markdown table."""
    head = "| symbol | meaning | in code | shape | unit | first in section |\n|---|---|---|---|---|---|"
    lines = [
        f"| ${row.symbol}$ | {html.escape(row.meaning)} | `{row.name}` | {row.shape} | {row.unit} | {row.introduced} |"
        for row in rows
    ]
    return "\n".join([head, *lines])
