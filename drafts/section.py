"""Insert the second half into lesson 2. Run: python section.py NOTEBOOK. Idempotent: cells with ids shift-NNN are replaced."""
import sys, nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell
path = sys.argv[1]
nb = nbformat.read(path, 4)
nb.cells = [c for c in nb.cells if not c.id.startswith("shift-")]
cells = []
def M(text, *tags):
    c = new_markdown_cell(text.strip()); c.id = f"shift-{len(cells):03d}"
    if tags: c.metadata["tags"] = list(tags)
    cells.append(c)
def C(text, *tags):
    c = new_code_cell(text.strip("\n")); c.id = f"shift-{len(cells):03d}"
    if tags: c.metadata["tags"] = list(tags)
    cells.append(c)

M(r"""
## 2.14 Networks that know the mask ● core

There is a shorter way to learn reconstruction: show a network undersampled data and the image that belongs to them, thousands of
times, until it maps one to the other. Such a network learns the anatomy together with the mask, the coils and the noise of its training. The
paper compares with two of them. Both are **unrolled**: a few steps of an iterative method, with a network in the place of
the prior, trained end to end.

**MoDL** (Aggarwal 2019) lets a denoiser $D$, the same in every turn, and the data take turns, from $x_0 = A^H y$:

$$z_k = D(x_k), \qquad x_{k+1} = \arg\min_x \|Ax - y\|^2 + \lambda \|x - z_k\|^2 = (A^H A + \lambda)^{-1}(A^H y + \lambda z_k)$$

Six turns, each inverse by six steps of conjugate gradients, and $\lambda$ is learned with the weights.
""", "core")
C("""
from mrilab.nets.sensitivity import calibration_lines
from mrilab.physics import conjugate_gradients
from mrilab.training.checkpoints import load_checkpoint

networks = {name: load_checkpoint(name) for name in ("modl-t2", "varnet-t2")}
modl, varnet = (network for network, _ in networks.values())
""", "core")
C("""
def my_modl(D, lam, y, model, turns=6):
    x = adjoint = model.adjoint(y)                             # (H, W)
    for _ in range(turns):
        z = D(x[None])[0]
        b = adjoint - model.normal(z)                          # the equation for x - z, which starts at 0
        x = z + conjugate_gradients(lambda v: model.normal(v) + lam * v, b, iterations=6, tolerance=0)
    return x
""", "core")
C("""
unit = torch.quantile(model.adjoint(y).abs(), 0.99)            # both are trained on data in this unit
with torch.inference_mode():
    mine = my_modl(modl.denoise, modl.log_weight.exp(), y / unit, model)
    agrees(mine, modl((y / unit)[None], mask, model.coil_maps[None])[0], 1e-3)
""", "core", "nbval-check-output")
M(r"""
**E2E-VarNet** (Sriram 2020) works in k-space, by gradient steps, with a U-Net of its own in each of its cascades. $M$ is the mask, $E$
takes an image to the k-space of all coils and $R$ brings it back:

$$k \leftarrow k - \eta_t\, M (k - y) - E\big(U_t(R\,k)\big)$$

It asks nobody for coil maps: one more network makes them from the calibration lines. Those must be the vertical ones it was trained
on. Where a mask has others, it gets what lies in both (appendix G.2 of the paper).
""", "core")
C("""
def my_varnet(U, eta, maps, y, mask):
    everything = SenseModel(maps, torch.ones(1, 1, dtype=torch.bool))
    E, R = everything.forward, everything.adjoint
    k = y                                                      # (coil, H, W)
    for U_t, eta_t in zip(U, eta, strict=True):
        k = k - eta_t * mask * (k - y) - E(U_t(R(k)[None])[0])
    return R(k)
""")
C("""
acs = calibration_lines(mask, tuple(y.shape[-2:]))             # (1, W)
with torch.inference_mode():
    own_maps = varnet.sensitivity((y / unit)[None], acs[None])[0]
    mine = my_varnet(varnet.unets, varnet.eta, own_maps, y / unit, mask)
    agrees(mine, varnet((y / unit)[None], mask, acs[None])[0], 1e-3)
""", "nbval-check-output")
M("""
Both were trained for the SSIM of the magnitude, on heads like those of `score-t2`, at R = 3 and 6, with coil maps estimated
from each example's own calibration lines, noise and all: what they meet in training is what they meet in the test.
""", "core")
C("""
def row(name, card):
    runs = [*card.get("earlier", []), card]
    steps = " + ".join(f"{run['steps']:,}" for run in runs)
    minutes = sum(run["minutes"] for run in runs)
    ssim = 1 - card["metrics"]["validation_loss"]
    return f"| {name} | {card['network']['parameters']:,} | {steps} of {card['batch']} | {minutes:.0f} | {ssim:.3f} |"


head = "| network | weights | steps | minutes of two cores | SSIM on validation heads |"
Markdown(f"{head}\\n|{'---|' * 5}\\n" + "\\n".join(row(name, card) for name, (_, card) in networks.items()))
""", "core", "fold")
M(r"""
**Exercise 9, fill in.** One coil with the map 1 makes $A^H A$ a mask in k-space, and MoDL's data consistency needs no conjugate
gradients. What is the k-space of the new image? $y$ is zero where nothing was measured.
""")
C("""
def data_consistency(z, y, mask, lam):
    ...  # z, y: k-space of the denoised image and of the data, both (H, W); mask is True where y was measured


check("02", "data-consistency", data_consistency)
""", "exercise")
M("""
## 2.15 In distribution, and under shifts ● core

Now the paper's central claim. A prior that has never seen a mask cannot depend on one. A network that was trained through the
forward model can, and may fail where the scan differs from its training. So: the same test scans through every method, first as
in training, then with one thing changed. ConvDecoder is the odd one out, a network that is fitted to the one scan at hand and knows no other
(Darestani & Heckel 2021). The results are stored runs of `mrilab experiment shifts_...`; two rows are computed again here.
""", "core")
C("""
stored = [read_results(f"shifts_{part}") for part in ("classical", "networks", "langevin")]
shifts = pd.concat(stored, ignore_index=True)
for part, rows in zip(("classical", "networks"), stored[:2], strict=True):
    row = rows[rows["method"].isin(["l1-wavelet", "modl"])].sample(1, random_state=seed)
    again = recompute_rows(f"shifts_{part}", row)
    agrees(again["psnr"].to_numpy(), row["psnr"].to_numpy(), 5e-3)
""", "core", "nbval-check-output")
C("""
TITLES = {"zero-filled": "zero-filled", "l1-wavelet": "L1-wavelet", "convdecoder": "ConvDecoder", "modl": "MoDL",
          "varnet": "VarNet", "langevin": "posterior mean"}
by = shifts.pivot(index=["shift", "acceleration", "scan"], columns="method", values=["psnr", "ssim", "ssim_masked"])
inside = by.loc["none"].groupby("acceleration").mean()         # in distribution
""", "core")
C("""
figure = new_figure(9.6, 3.4)
for axis, metric, label in zip(figure.subplots(1, 2), ("psnr", "ssim_masked"), ("PSNR (dB)", "SSIM in the head"), strict=True):
    lines = {title: inside[metric][name] for name, title in TITLES.items() if name != "convdecoder"}
    curves(inside.index, lines, "", axis=axis, markers=True, title=f"{label}, in distribution, 12 heads",
           xlabel="acceleration R (nominal)", ylabel=label)
show(figure, alt="PSNR and SSIM of five methods over the acceleration from 2 to 12, means of twelve heads.")
""", "core", "fold")
M("""
**Differences, with intervals.** Heads differ more from each other than methods do, so methods are compared head by head. The 95 %
intervals are from a bootstrap: draw twelve of the twelve heads with replacement, again and again, and see how the mean
difference moves. What the luck of a training is worth stands apart:
three more MoDL, trained an eighth as long as the first, that differ in nothing but the seed.
""", "core")
C("""
from scipy.stats import bootstrap


def interval(differences):
    found = bootstrap((differences,), lambda v, axis: v.mean(axis), confidence_level=0.95, rng=seed)
    return f"{differences.mean():+.2f} [{found.confidence_interval.low:+.2f}, {found.confidence_interval.high:+.2f}]"


gains = by["psnr"].loc["none"].sub(by["psnr"].loc["none"]["l1-wavelet"], axis=0)
""", "core")
C("""
names, seeds = ["modl", "varnet", "langevin"], [f"modl-seed-{number}" for number in range(3)]
lines = [
    f"| {r} | " + " | ".join(interval(group[name].to_numpy()) for name in names)
    + f" | {group[seeds].mean().std():.2f} |"
    for r, group in gains.groupby(level="acceleration")
]
head = "| R | MoDL over L1 (dB) | VarNet over L1 | posterior mean over L1 | spread of MoDL over seeds |"
Markdown(f"{head}\\n|{'---|' * 5}\\n" + "\\n".join(lines))
""", "core", "fold")
M("""
**One thing changed at a time.** Gain over L1-wavelet on the same scans, R = 4. L1-wavelet knows nothing of heads or lines, so what a
scan is harder by, it is harder by for it, too. The hollow marks are MoDL trained for the very shift: where MoDL falls and
they do not, it was the shift; where both do, it is the harder problem.
""", "core")
C("""
from mrilab.data.shifts import SHIFTS
from mrilab.teach.figures import COLOURS, MARKERS

figure = new_figure(9.6, 4.2)
for axis, r in zip(figure.subplots(1, 2, sharey=True), (4, 8), strict=True):
    over = by["psnr"].xs(r, level="acceleration")
    over = over.sub(over["l1-wavelet"], axis=0)
    for number, name in enumerate(("modl", "varnet", "langevin", "modl-retrained")):
        means, errors = (getattr(over[name].groupby("shift"), f)().reindex(SHIFTS) for f in ("mean", "sem"))
        places = [-place - 0.15 * (number - 1) for place in range(len(SHIFTS))]
        axis.errorbar(means, places, xerr=2 * errors, fmt=MARKERS[number % 3], color=COLOURS[number % 3], markersize=5,
                      fillstyle="none" if "re" in name else "full", label={**TITLES, name: "MoDL, trained for it"}[name])
    axis.set(title=f"R = {r}", xlabel="PSNR gain over L1-wavelet (dB)")
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks([-place for place in range(len(SHIFTS))], [shift.title for shift in SHIFTS.values()])
axis.legend(fontsize=9, frameon=False)
show(figure, alt="For each of ten kinds of scan, the gain of MoDL, VarNet, the posterior mean and a MoDL trained for that "
     "kind over L1-wavelet, with intervals, at R = 4 and R = 8.")
""", "core", "fold")
M("""
**Try it.** One test scan of each kind. Networks and L1-wavelet run when you choose; a chain of the sampler takes a while, so it waits
for the tick.
""", "core")
C("""
from mrilab.teach.views_shifts import ShiftExplorer
from mrilab.teach.widgets_shifts import shifts_widget

explorer = ShiftExplorer({
    "zero-filled": ("zero-filled", {}), "L1-wavelet": ("l1-wavelet", {}), "MoDL": ("modl", {"network": "modl-t2"}),
    "VarNet": ("varnet", {"network": "varnet-t2"}), "posterior mean": ("langevin", {**METHODS["langevin"], "samples": 2}),
})
""", "core")
C("""
shifts_widget(explorer, slow="posterior mean")
""", "core", "widget")
C("""
story = [explorer.view(shift, 4, tuple(explorer.methods)) for shift in ("horizontal", "knee")]
gallery([panel for view in story for panel in view.panels], columns=6, width=200,
        alt="Storyboard: a head with horizontal lines, and a knee, reconstructed by every method, each above its error.")
print(*(view.text for view in story), sep="\\n")
""", "core", "fold")
M("""
**What a radiologist would look at.** Not at decibels. *Aliases*: a bright rim that continues where it cannot be, a copy of the scalp
inside the brain, one n-th of the field of view away and along the phase-encoding direction. *Small vessels and sulci*: are they
there, and are there more than in the reference? *The border of grey and white matter*: sharp, or smoothed into a gradient?
*Texture*: a region that is too even was filled in rather than measured. Look for each of them in the errors of the explorer: noise
has no shape, so whatever has one was done by the method.
""", "core")
M(r"""
**Exercise 10, fill in.** Two methods on the same $n$ scans, in decibels: the mean difference and the half-width of its 95 % interval by
Student's $t$. `t` is the 0.975 quantile of that distribution.
""")
C("""
def paired_interval(a, b, t):
    ...  # a, b: (n,); return (mean, half-width)


check("02", "paired-interval", paired_interval)
""", "exercise")
M("""
**Exercise 11, read.** Under a shift MoDL loses 5 dB. MoDL that was trained for that shift is 4.5 dB below what MoDL had in
distribution. What is the fair sentence? `"a"`: MoDL is not robust to this shift. `"b"`: most of the loss is the harder problem; the
shift itself costs half a decibel. `"c"`: training for the shift did not work.
""")
C("""
my_answer = ...  # "a", "b" or "c"

check("02", "shift-or-harder", my_answer)
""", "exercise")
# position: before the claims section
where = next(i for i, c in enumerate(nb.cells) if c.cell_type == "markdown" and "Claims, measured" in c.source)
nb.cells[where:where] = cells
nbformat.write(nb, path)
nb = nbformat.read(path, 4)
for c in nb.cells:
    if c.cell_type == "markdown":
        c.source = c.source.replace("## 2.14 Claims, measured", "## 2.16 Claims, measured")
nb.cells = [c for c in nb.cells if not c.id.startswith("shiftclaims-")]
cells = []
M("""
**The comparison of 2.15.** These thresholds stand in `notebooks/claims/02_score_priors_langevin.shifts.toml` since before any network had seen
a test scan. "The better of" two methods is the one with the higher mean over the scans of that row.
""", "core")
C("""
def per_scan(metric, kinds, rs):
    return by[metric].loc[(kinds, rs), :].groupby("scan").mean()                   # scans x methods


def best(table, *names):
    return table[table[list(names)].mean().idxmax()]


def over(metric, kinds, rs, *others):
    table = per_scan(metric, kinds, rs)
    return table["langevin"] - best(table, *others)
""", "core")
C("""
from scipy.stats import sem, t

drop = per_scan("psnr", ["none"], [4]) - per_scan("psnr", ["horizontal"], [4])
points = per_scan("psnr", ["poisson"], [4])
pairs = [points[a] - points[b] for a, b in (("l1-wavelet", "modl"), ("l1-wavelet", "langevin"), ("modl", "langevin"))]
ends = [abs(pair.mean()) + t.ppf(0.95, len(pair) - 1) * sem(pair) for pair in pairs]      # of 90 % intervals
spread = by["psnr"].xs(4, level="acceleration").drop("noise", level="shift").groupby("shift").std()
cost = read_results("costs").groupby("method")["method_seconds"].min()                    # the quickest of three runs
""", "core")
C("""
compared = {
    "networks-win-ssim": -over("ssim", ["none"], [3, 6], "modl", "varnet"),
    "langevin-wins-psnr": over("psnr", ["none"], [3, 6], "modl", "varnet"),
    "high-acceleration": over("psnr", ["none"], [8, 12], "l1-wavelet", "modl", "varnet"),
    "mask-shift-langevin": drop["langevin"],
    "mask-shift-varnet": drop["varnet"] - drop["langevin"],
    "mask-shift-modl": drop["varnet"] - drop["modl"],
    "contrast-shift": over("psnr", ["t1", "flair"], [4], "modl", "varnet"),
    "anatomy-shift": over("psnr", ["knee", "abdomen"], [4], "modl", "varnet"),
    "anatomy-shift-l1": over("psnr", ["knee", "abdomen"], [4], "l1-wavelet"),
    "lower-variance": spread["langevin"] / spread["modl"],
    "poisson-equivalent": max(ends),
    "cost": cost["langevin"] / cost[["modl", "varnet"]].max(),
}
""", "core")
C("""
verdicts = ClaimsTable(read_claims("02_score_priors_langevin.shifts"), compared)
verdicts
""", "core")
C("""
print(verdicts.verdicts())
""", "core", "nbval-check-output")
for number, c in enumerate(cells):
    c.id = f"shiftclaims-{number:03d}"
where = next(i for i, c in enumerate(nb.cells) if "What was not reproduced" in c.source)
nb.cells[where:where] = cells
nbformat.write(nb, path)
print(len(cells), "claims cells at", where)
# the texts around
nb = nbformat.read(path, 4)
swaps = [
    ("reconstruct, and say how sure it is? |", "reconstruct, say how sure it is, and outlast networks that know the mask? |"),
    ("Karras 2022 (the form of the network) |", "Karras 2022 (the form of the network); Aggarwal 2019, Sriram 2020, Darestani 2021 (what it is compared with) |"),
    ("| Reading | 20 minutes for the core path (● core), 75 minutes in all |", "| Reading | 25 minutes for the core path (● core), 100 minutes in all |"),
    ("| Exercises | 45 minutes, eight of them |", "| Exercises | 60 minutes, eleven of them |"),
    ("- say what the theorems promise, and what they do not.", "- say what the theorems promise, and what they do not;\n- compare methods fairly: trained well first, by paired differences with intervals, and under shifts one at a time."),
    ("The supervised\nbaselines, other anatomies and other masks are the next lesson's. The radiologists' study (section 4.4) needs radiologists.",
     "The shifts\nof 2.15 are to phantoms of a knee and an abdomen, which are drawn, not measured, and our networks are small: they were given about\nas much computing as the prior, on two CPU cores. The radiologists' study (section 4.4) needs radiologists."),
    ("Lesson 3 will train networks that\nknow the mask, and ask when they are better.", "Lesson 3 looks into networks that\nknow the mask: what their steps do, and what that says of how to train them."),
    ("5. Karras, Aittala", "5. Karras, Aittala"),
]
whole = "\n".join(c.source for c in nb.cells)
for old, new in swaps:
    hits = [c for c in nb.cells if c.cell_type == "markdown" and old in c.source]
    if not hits:
        assert new in whole, old
        continue
    assert len(hits) == 1, old
    hits[0].source = hits[0].source.replace(old, new)
last = nb.cells[-1] if "## References" in nb.cells[-1].source else next(c for c in nb.cells if "## References" in c.source)
if "Aggarwal" not in last.source.split("## References")[1]:
    last.source += """
9. Aggarwal, Mani, Jacob. MoDL: model-based deep learning architecture for inverse problems. IEEE TMI 38:394, 2019.
10. Sriram et al. End-to-end variational networks for accelerated MRI reconstruction. MICCAI 2020.
11. Darestani, Heckel. Accelerated MRI with un-trained neural networks. IEEE TCI 7:724, 2021."""
nbformat.write(nb, path)
