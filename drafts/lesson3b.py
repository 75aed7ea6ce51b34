"""Second half of lesson 3; needs checkpoints and results. Appends to the cells of lesson3a."""
from lesson3a import M, C, cells

M(r"""
## 3.8 The network ● core

Now $N$ becomes a network that sees $x^k$, $A^Hy$ and the time. All controls below have the same networks and the same number of cascades; they differ in what a cascade
does with $N$ and the data (*rule*), in whether all cascades share one network, and in what is asked of the states in training. From scratch, for one coil:
""", "core")
C("""
def my_flat(network, y, model):
    x = adjoint = model.adjoint(y)
    t, states = my_times(network.cascades, network.alpha), [x]
    for k in range(network.cascades):
        N = network.denoise(x, t[k], adjoint, k)
        lam, gamma = 1 - t[k + 1] / t[k], trust_of(network, k)
        x = (1 - lam) * x + lam * (N - gamma * (model.normal(N) - adjoint))                    # (7) in (3)
        states.append(x)
    return torch.stack(states)


def trust_of(network, k):                                      # rho was measured in training
    return network.rho[k] ** 2 / (network.rho[k] ** 2 + network.noise_std**2)
""", "core")
C("""
single = SenseModel(scans.coil_maps, scans.mask)
with torch.inference_mode():
    mine = my_flat(derived, scans.kspace, single)              # (K + 1, 4, 64, 64)
    agrees(mine, derived(scans.kspace, scans.mask, scans.coil_maps).states, 1e-4)
""", "core", "nbval-check-output")
M(r"""
**What is asked of the states.** Beside the error of the last image, alignment asks each state to be on the path. The first version of the paper aligns
*velocities*, the second *states*. That is the same but for weights: with $v^k = (x^{k+1} - x^k)/\delta_k$ and $v^*_k = (x^*_{k+1} - x^k)/\delta_k$,

$$\sum_k |v^k - v^*_k| = \sum_k \frac{1}{|\delta_k|}\,|x^{k+1} - x^*_{k+1}|, \qquad x^*_k = (1 - t_k)\,x_0 + t_k\,A^H y$$

With $\alpha = 1$ and $K = 12$ the last state then weighs 23 times as much as the first.
""")
C("""
def my_alignment(states, clean, t):
    total = 0
    for x, time in zip(states[1:], t[1:], strict=True):
        ideal = (1 - time) * clean + time * states[0]
        total = total + ((x - ideal).abs().mean((1, 2)) / clean.abs().mean((1, 2))).mean()
    return total / (len(t) - 1)
""")
C("""
times = time_grid(12, 1.0)
package = aligned(mine, scans.reference, times) - composite(mine, scans.reference)
agrees(W_ALIGN * my_alignment(mine, scans.reference, times.tolist()), package, 1e-5)
weights = 1 / times.diff().abs()
agrees(weights[-1] / weights[0], 23.0, 1e-6)
""", "nbval-check-output")
M(r"""
**Exercise 4, fill in.** The error of every state that the law (10) predicts, from the times $t$, the error `floor` of the last state and the squared distance `away` of
$A^H y$ from it.
""")
C("""
def predicted_errors(t, floor, away):
    ...  # t: (K + 1,); return (K + 1,)


check("03", "law", predicted_errors)
""", "exercise")
M(r"""
## 3.9 What each part is worth ● core

Reviewers of the paper asked for controls: is it the flow, or just the additional loss? Here each control changes one thing, with the same networks, cascades, data and
number of training steps, single coil, 64 x 64, three seeds each (`mrilab experiment flat_controls`, stored; one row is measured again, training included, in the full profile
only). *Falls* counts cascades after which the PSNR is lower, *way* is the length of the path over the distance of its ends, *off the path* the squared distance from the
ideal states, in percent of the image's energy, and the *worst case* is a perturbation of the data, no larger than their noise, that was looked for by gradient ascent.
""", "core")
M(r"""
Equal price first: the convolutions of one reconstruction, and the weights. Transforms come on top: $A^HA$ once a cascade with one coil, whatever the rule. Networks that share their
weights do the same work with a twelfth of them.
""")
C("""
def price(network):                                            # (operations of all convolutions, parameters)
    eps = torch.zeros_like(scans.reference[:1])
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(scans.kspace[:1], scans.mask[:1], scans.coil_maps[:1], eps=eps)
    return counter.get_total_flops(), sum(weights.numel() for weights in network.parameters())


sampler = load_checkpoint("flat-sampler-single")[0]            # shares its weights, see 3.11
prices = {name: price(net) for name, net in {"learned steps": free, "flow": derived, "shared": sampler}.items()}
lines = "\\n".join(f"| {name} | {flops / 1e9:.2f} | {weights:,} |" for name, (flops, weights) in prices.items())
Markdown(f"| network | 10⁹ operations | parameters |\\n|---|---|---|\\n{lines}")
""")
C("""
holds("all call for the same convolutions", len({flops for flops, _ in prices.values()}) == 1)
""", "nbval-check-output")
C("""
controls = read_results("flat_controls")
middle = controls.query("alpha == 1 and cascades == 12").groupby("control", sort=False)
mean, spread = (getattr(middle, name)(numeric_only=True) for name in ("mean", "std"))
lines = "\\n".join(
    f"| {CONTROLS[name].title} | {row.psnr_4:.2f} ± {spread.psnr_4[name]:.2f} | {row.psnr_8:.2f} ± {spread.psnr_8[name]:.2f} | "
    f"{row.violations:.1f} | {row.detour:.2f} | {100 * row.distance:.1f} | {row.psnr_4 - row.psnr_worst:.2f} |"
    for name, row in mean.iterrows()
)
head = "| control | R = 4 (dB) | R = 8 (dB) | falls | way | off the path (%) | worst case (dB lost) |"
Markdown(f"{head}\\n|{'---|' * 7}\\n{lines}")
""", "core", "fold")
C("""
chosen = mean.loc[["paper", "derived"], "validation"].idxmin()
print(f"on validation heads the rule with the lower loss is: {chosen}")
""", "core")
C("""
figure = new_figure(9.6, 3.3)
left, right = figure.subplots(1, 2, sharey=True)
for axis, factor, names in ((left, "alpha", ("aligned", "paper", "derived")), (right, "cascades", ("free", "derived"))):
    other = "cascades == 12" if factor == "alpha" else "alpha == 1"
    rows = controls.query(other).groupby(["control", factor])["psnr_8"].mean()
    x = sorted(rows.loc["derived"].index)
    curves(x, {CONTROLS[name].title: rows.loc[name].reindex(x) for name in names}, "", axis=axis, markers=True,
           title=f"PSNR at R = 8 over {factor}", xlabel=factor, ylabel="PSNR (dB)")
show(figure, alt="PSNR at R = 8 of three rules over alpha, and of the free and the derived network over the number of cascades.")
""", "core", "fold")
M(r"""
## 3.10 Walk along the cascades ● core

The two networks of the first picture, on the same validation head. Both end at about the same image. What they do on the way is another matter: move the slider.
""", "core")
C("""
from mrilab.teach.views_flow import Walk, walk_view
from mrilab.teach.widgets_flow import walk_widget

walks = {name: Walk(states, torch.tensor(derived.t)) for name, states in paths.items()}
""", "core")
C("""
walk_widget(walks, scans.reference[0])
""", "core", "widget")
C("""
views = [walk_view(walks, k, scans.reference[0]) for k in (1, 8)]
gallery([panel for view in views for panel in view.panels], columns=6, width=190,
        alt="Storyboard after 1 and 8 cascades: for each network the state, the ideal state and the error.")
show(views[-1].plot, alt="PSNR after each cascade of the free and the derived network.")
print(*(view.text for view in views), sep="\\n")
""", "core", "fold")
M(r"""
**Exercise 5, predict.** The network with shared weights was trained with $K = 12$ and $s = 0$, and its denoiser knows the time. What happens with $K = 24$?
`"a"`: nothing much, the ray is the same with any step. `"b"`: it is twice as good. `"c"`: it breaks, the states are others than in training.
""")
C("""
my_guess = ...  # "a", "b" or "c"

check("03", "other-k", my_guess)
""", "exercise")
M(r"""
## 3.11 A sampler, learned ○ optional

`flat-sampler-single` starts from noise ($s = 0.2$) and was trained on the ideal path, one cascade at a time: *flow matching*, equation (1) by regression. It shares its weights,
so $K$ is free. Each draw of $\varepsilon$ ends at another image. If they were draws of the posterior, their spread would be as large as the error of their mean.
""")
C("""
eps = torch.view_as_complex(torch.randn(16, 4, 64, 64, 2, generator=generator))                # 16 starts for each head


@torch.inference_mode()
def draws(K):                                                  # (16, 4, 64, 64)
    return torch.stack([sampler(scans.kspace, scans.mask, scans.coil_maps, eps=e, steps=K).states[-1] for e in eps])
""")
C("""
def quality(drawn):
    mean, spread = drawn.mean(0), (drawn - drawn.mean(0)).abs().square().sum(0) / (len(drawn) - 1)
    error = (mean - scans.reference).abs().square().mean() / (1 + 1 / len(drawn))              # of a mean of 16
    one, all16 = (sum(psnr(x, ref) for x, ref in zip(each, scans.reference, strict=True)) / 4 for each in (drawn[0], mean))
    return one, all16, float((spread.mean() / error).sqrt())


ends = {K: draws(K) for K in (4, 12, 48)}
rows = {K: quality(drawn) for K, drawn in ends.items()}
with torch.inference_mode():
    quiet = derived(scans.kspace, scans.mask, scans.coil_maps).states[-1]
quiet = sum(psnr(x, ref) for x, ref in zip(quiet, scans.reference, strict=True)) / 4
lines = "\\n".join(f"| {K} | {one:.1f} | {mean:.1f} | {ratio:.2f} |" for K, (one, mean, ratio) in rows.items())
Markdown(f"| K | one draw (dB) | mean of 16 (dB) | spread / error |\\n|---|---|---|---|\\n{lines}\\n| 12, s = 0 | {quiet:.1f} | | |")
""")
C("""
first, mean = ends[12][:, 0], ends[12][:, 0].mean(0)
spread = first.std(0)
gallery(
    [Panel(name, x, limits=(0, top)) for name, x in {"reference": truth, "a draw": first[0], "another": first[1], "mean of 16": mean}.items()]
    + [Panel("their spread x5", 5 * spread, limits=(0, top)), Panel("error of the mean x5", 5 * (mean - truth).abs(), limits=(0, top))],
    columns=6, width=190, alt="Reference, two draws of the learned sampler, the mean of 16, their spread and the error of the mean.",
)
""", "fold")
M(r"""
With four steps the draws agree with each other more than they are right, as theory says; with twelve, spread and error match. Theory also says that with more steps the ratio settles, for an
exact denoiser. This one is not: with 48 the draws get rough, and the ratio passes 1. Their mean stays, and is below the image of the flow without noise, which was trained end to end. Nobody would
take such a draw for a head: 15 thousand weights that look eight pixels far know texture and no anatomy. The prior of lesson 2 has two hundred times as many.
""")
M(r"""
## 3.12 Several coils, and what diffusion costs ● core

Heads at 128 x 128 with eight coils, as in lesson 2, which the paper leaves out. A cascade of the derived rule then takes the block (6), four steps of conjugate gradients. Beside FLAT:
the same network with learned steps, lesson 2's MoDL and VarNet, ISTA-Net+, and two samplers with lesson 2's prior: Langevin dynamics, and few-step sampling (DDIM in the way of DDS),
which is Euler's method again, $x \leftarrow D + \sigma_{k+1}\,n$ on the path $x_\sigma = x_0 + \sigma n$, with block (6) for $D$ and the noise $n$ drawn anew. A mean of eight samples costs eight times the calls.
Seconds are from `mrilab experiment costs`, on an idle machine with two cores. MoDL and VarNet were trained at R = 3 and 6, the others at 4 and 8.
""", "core")
C("""
heads = read_results("flat_heads")
again = recompute_rows("flat_heads", heads[heads["run"] == "flat-derived"].sample(2, random_state=seed))
agrees(again["psnr"].to_numpy(), heads.loc[again.index, "psnr"].to_numpy(), 5e-3)
""", "core", "nbval-check-output")
C("""
inside = heads.query("shift == 'none'")
table = inside.pivot_table(index="run", columns="acceleration", values=["psnr", "ssim"], sort=False)
calls = inside.groupby("run")["network_calls"].first()
seconds = read_results("costs").groupby("method")["method_seconds"].min()
seconds = seconds.rename({"langevin": "langevin-mean-8", "langevin-one": "langevin"})
lines = "\\n".join(
    f"| {run} | {calls[run]:.0f} | {seconds[run]:.2f} | " + " | ".join(f"{row['psnr', r]:.2f}" for r in (4, 8, 12))
    + " | " + " | ".join(f"{row['ssim', r]:.3f}" for r in (4, 8)) + " |" for run, row in table.iterrows()
)
head = "| method | network calls | seconds | PSNR R = 4 | R = 8 | R = 12 | SSIM R = 4 | R = 8 |"
Markdown(f"{head}\\n|{'---|' * 8}\\n{lines}")
""", "core", "fold")
C("""
figure = new_figure(9.6, 3.8)
for axis, cost, label in zip(figure.subplots(1, 2, sharey=True), (calls, seconds), ("network calls (log)", "seconds, two cores (log)"), strict=True):
    for number, (prefix, title) in enumerate({"flat-shared": "FLAT, shared", "ddim": "DDIM", "langevin": "Langevin"}.items()):
        names = [run for run in table.index if run.startswith(prefix)]
        axis.plot(cost[names], table.loc[names, ("psnr", 8)], MARKERS[number], color=COLOURS[number], label=title)
    for number, run in enumerate(("flat-derived", "flat-free", "varnet"), 3):
        axis.plot(cost[run], table.loc[run, ("psnr", 8)], MARKERS[number], color=COLOURS[number], label=run)
    axis.set(xlabel=label, ylabel="PSNR at R = 8 (dB)", xscale="log", title="Quality for the price")
    axis.grid(alpha=0.3)
axis.legend(fontsize=8, frameon=False)
show(figure, alt="PSNR at R = 8 over network calls and over seconds, for FLAT with shared weights, DDIM and Langevin, and three other networks.")
""", "core", "fold")
M(r"""
## 3.13 How steady is it? ● core

Along the cascades, under noise of the data's own size, and under the worst perturbation of that size that was found (`mrilab experiment flat_stability`, six heads).
""", "core")
C("""
steady = read_results("flat_stability")
rows = steady.groupby(["acceleration", "network"]).mean(numeric_only=True)
lines = "\\n".join(
    f"| {r} | {name} | {row.psnr:.2f} | {row.violations:.1f} | {row.detour:.2f} | {row.psnr - row.psnr_noise:.2f} | "
    f"{row.psnr - row.psnr_worst:.2f} | {row.amplification_noise:.2f} | {row.amplification_worst:.2f} |"
    for (r, name), row in rows.iterrows()
)
head = "| R | network | PSNR | falls | way | lost to noise (dB) | to the worst (dB) | amplification: noise | worst |"
Markdown(f"{head}\\n|{'---|' * 9}\\n{lines}")
""", "core", "fold")
M(r"""
## 3.14 A scan from elsewhere ○ optional

`flat-derived-heads` was trained on heads of random contrast, orientation and resolution. Set `scan_path` at the top to a fastMRI file of your own.
""")
C("""
own = read_scan(scan_path, slice=0) if scan_path else read_scan(dataset("heads-randomised-val")[0])
settings = {"acceleration": 4} if own.mask is None else {"use_mask": True}
mine = {name: reconstruct(own, name, **settings).slices[0] for name in ("l1-wavelet", "flat")}
one = mine["flat"]
""")
C("""
pictures = {name + (f", {one.metrics['psnr']:.1f} dB" if one.metrics else ""): one.image for name, one in mine.items()}
first = {"zero-filled": one.zero_filled} if own.mask is not None else {"reference": one.reference}
gallery(panels({**first, **pictures}, limits=(0, float(one.image.abs().quantile(0.999)))),
        alt="The reference (or the zero-filled image), L1-wavelet and FLAT for the chosen scan.")
""", "fold")
M(r"""
## 3.15 Claims, measured ● core

Thresholds stand in `notebooks/claims/03_flow_aligned_unrolling.toml` since before any of these networks was trained.
""", "core")
C("""
seeds = controls.query("alpha == 1 and cascades == 12").set_index(["control", "seed"])
of = {name: seeds.loc[name] for name in CONTROLS}
gap = {name: pd.concat([of[name][f"psnr_{r}"] - of["aligned"][f"psnr_{r}"] for r in (4, 8)]) for name in ("derived", "paper")}
by = inside.pivot(index=["acceleration", "scan"], columns="run", values="psnr").loc[[4, 8]]
attacked = steady.query("acceleration < 12").pivot(index=["acceleration", "scan"], columns="network", values="amplification_worst")


def calls_to_reach(r):
    quality = by.loc[r].mean()
    reached = [calls[f"ddim-{n}"] for n in (6, 12, 24, 48) if quality[f"ddim-{n}"] >= quality["flat-derived"]]
    return (min(reached) if reached else 60) / 12
""", "core")
C("""
measured = {
    "explicit-derived": gap["derived"],
    "explicit-paper": gap["paper"],
    "trajectory": of["derived"]["distance"] / of["free"]["distance"],
    "trajectory-law": of["derived"]["law"],
    "on-a-par": by["flat-derived"] - by["flat-free"],
    "fewer-calls": [calls_to_reach(r) for r in (4, 8)],
    "steady": steady.query("network == 'flat-derived-t2' and acceleration == 4")["violations"],
    "other-k": by["flat-shared-12"] - by[["flat-shared-6", "flat-shared-24"]].min(axis=1),
    "attack": attacked["flat-derived-t2"] / attacked["flat-free-t2"],
}
table = ClaimsTable(read_claims("03_flow_aligned_unrolling"), measured)
table
""", "core")
C("""
print(table.verdicts())
""", "core", "nbval-check-output")
