"""Assemble lesson 3: python lesson3.py OUT.ipynb (needs checkpoints and results to run)."""
import sys, nbformat
import lesson3a
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from lesson3a import cells as body, M, C
theory = list(body); body.clear()
M(r"""
# 3. Unrolled networks are conditional probability flows

| | |
|---|---|
| Question | An unrolled network takes a dozen steps. Why these steps, and what are the images in between? |
| Papers | Qi 2025 (the method, FLAT); Hammernik 2018, Aggarwal 2019, Sriram 2020 (unrolled networks); Delbracio 2023 (the residual flow); Chen 2025 (supervising every step) |
| Prerequisites | lesson 2 (denoisers, posteriors, MoDL and VarNet); ordinary differential equations, what a step of Euler's method is |
| Reading | 20 minutes for the core path (● core), 70 minutes in all |
| Exercises | 40 minutes, five of them |
| Device | any CPU; no GPU, no download |
| Data | simulated T2-weighted heads from one averaged brain; the networks were trained on such heads, of other deformations |

After this lesson you can

- derive the velocity of a conditional flow, and read off the denoiser that it needs;
- turn a step of Euler's method into a cascade of an unrolled network, and name what its parameters must be;
- say what a network can and cannot be when it starts from one point, and what noise in the start changes;
- train the states in between, and tell that apart from a better loss or from deep supervision;
- measure how steady a network is: along its cascades, with other numbers of them, and under the worst noise.
""", "header-card", "core")
C("""
profile = "teach"  # smoke: does it run? teach: what the text discusses; full: the same here
seed = 1           # of everything drawn at random in the lesson
scan_path = ""     # a fastMRI file of your own, for section 3.14; empty: an embedded head
""", "parameters")
C("""
import math

import pandas as pd
import torch
from IPython.display import Markdown
from torch.utils.flop_counter import FlopCounterMode

from mrilab.data import read_scan
from mrilab.data.embedded import dataset
from mrilab.evaluation.claims import ClaimsTable, read_claims
from mrilab.evaluation.experiments import read_results, recompute_rows
from mrilab.evaluation.metrics import psnr
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.methods.exact import Gaussian, MatrixModel, Mixture
from mrilab.methods.flow import GaussianFlow, cascade, euler
from mrilab.methods.flow_spectrum import power_law
from mrilab.nets.consistency import consistent, data_step
from mrilab.nets.schedule import relaxations, time_grid
from mrilab.physics import SenseModel, normalise_maps, random_mask
from mrilab.teach.compare import agrees, holds
from mrilab.teach.exercises import check
from mrilab.teach.figures import COLOURS, MARKERS, Panel, curves, error_panel, gallery, new_figure, panels, show
from mrilab.training.alignment import W_ALIGN, aligned, composite
from mrilab.training.checkpoints import load_checkpoint
from mrilab.training.flat import CONTROLS, single_coil
""", "core")
C("""
smoke = profile == "smoke"
generator = torch.Generator().manual_seed(seed)
derived, free = (load_checkpoint(f"flat-{name}-single")[0] for name in ("derived", "free"))
""", "core")
M(r"""
## The question, and a picture of the answer ● core

Lesson 2 took unrolled networks as they are: turns of data and network, trained for the last image alone. Here we open two of them after every three
of their twelve cascades. Above is one whose steps were learned; what it does on the way is its own affair. Below is one with the same networks, trained as
a **flow**: its steps are computed, and each state was asked to be on the straight line from the zero-filled image to the true one.
""", "core")
C("""
scans = single_coil(4, 64, generator, "val", accelerations=(4,))                                # four validation heads
with torch.inference_mode():
    paths = {"learned": free, "flow": derived}
    paths = {name: net(scans.kspace, scans.mask, scans.coil_maps).states[:, 0] for name, net in paths.items()}
""", "core")
C("""
truth = scans.reference[0]
top = float(truth.abs().max())
gallery(
    [
        Panel(f"{name}, {k}: {psnr(states[k], truth):.1f} dB", states[k], limits=(0, top))
        for name, states in paths.items() for k in (0, 3, 6, 9, 12)
    ],
    columns=5, width=190,
    alt="States of two networks on one head after 0, 3, 6, 9 and 12 cascades. Above, with learned steps; below, of the "
    "flow, which fades from the zero-filled image to the head.",
)
""", "core", "fold", "thumbnail")
top_cells = list(body); body.clear()
body.extend(top_cells); body.extend(theory)
import lesson3b  # appends
M(r"""
**What was not reproduced.** The paper's full text was not available for this lesson: what it does is put together from its abstract and from what its public reviews quote,
and where a gap was left, it was closed by the derivation above. Its data (fastMRI knees and others, at full size) and its networks (a twelve-cascade VarNet) are larger than
what two CPU cores train; its numbers are therefore not compared with ours. Its second version dropped the claim of three times fewer iterations than diffusion. Its reviewers doubted
three things, and each has its place here: that $p(y \mid x_t)$ is the likelihood at all times (3.4, it is not), that the velocity is the conditional score (3.2, it is an affine function of
it), and that the gain is the flow's rather than the loss's (3.9).

## Take along ● core

- The flow from data to image needs one thing: a denoiser that is told the data, $v = (x - D)/t$.
- Euler's step is relaxation, $\lambda_k = 1 - t_{k+1}/t_k$; with the data put in, it is the cascade of an unrolled network.
- From one starting point there is no posterior to reach, just its mean, along a straight ray. Noise in the start makes it a sampler.
- Alignment decides what the states in between are. Whether the last one gets better for it is a question for a control with the same loss.
- Steadiness is many things: a rising curve, other numbers of steps, the worst noise. Measure each.

**Where to go from here.** `mrilab recon SCAN.h5 --method flat --acceleration 4 --out OUT.h5` runs the flow on a fastMRI file, `--network flat-shared-t2 --steps 24` with other steps;
`mrilab train flat-derived-heads --profile full` trains on GPUs. Lesson 4 goes back to diffusion, and asks it for the tumour as well as for the image.

## References

1. Qi, Gupta, Hu, Lyu, Chen. Unrolled networks are conditional probability flows in MRI reconstruction. arXiv:2512.03020, 2025.
2. Hammernik et al. Learning a variational network for reconstruction of accelerated MRI data. MRM 79:3055, 2018.
3. Aggarwal, Mani, Jacob. MoDL: model-based deep learning architecture for inverse problems. IEEE TMI 38:394, 2019.
4. Sriram et al. End-to-end variational networks for accelerated MRI reconstruction. MICCAI 2020.
5. Zhang, Ghanem. ISTA-Net: interpretable optimization-inspired deep network for image compressive sensing. CVPR 2018.
6. Delbracio, Milanfar. Inversion by direct iteration: an alternative to denoising diffusion for image restoration. TMLR 2023.
7. Albergo et al. Stochastic interpolants with data-dependent couplings. ICML 2024.
8. Song, Meng, Ermon. Denoising diffusion implicit models. ICLR 2021.
9. Chung, Lee, Ye. Decomposed diffusion sampler for accelerating large-scale inverse problems. ICLR 2024.
""", "core")
for i, c in enumerate(body):
    c.id = f"cell-{i:03d}"
nb = new_notebook(cells=body)
nb.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
nb.metadata["language_info"] = {"name": "python"}
nbformat.write(nb, sys.argv[1])
print(len(body), "cells")
