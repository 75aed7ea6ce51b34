"""First half of lesson 3: theory and the network from scratch. Run: python lesson3a.py OUT.ipynb"""
import sys, nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
cells = []
def M(text, *tags):
    c = new_markdown_cell(text.strip()); c.id = f"cell-{len(cells):03d}"
    if tags: c.metadata["tags"] = list(tags)
    cells.append(c)
def C(text, *tags):
    c = new_code_cell(text.strip("\n")); c.id = f"cell-{len(cells):03d}"
    if tags: c.metadata["tags"] = list(tags)
    cells.append(c)

M(r"""
## 3.1 From gradient descent to unrolling ● core

One line of thought leads from least squares to an unrolled network. *Gradient descent* on $\frac12\|Ax - y\|^2$ fits the data and knows
nothing else. *Proximal* methods put a second step in between, which makes the image a little more plausible; with wavelets it was
soft thresholding. *Unrolling* stops after $K$ turns and learns that second step, one network $N_k$ for each turn:

$$x \leftarrow x - \eta\, A^H(Ax - y), \qquad x \leftarrow \mathrm{prox}\big(x - \eta\, A^H(Ax - y)\big), \qquad
x^{k+1} = x^k - \eta_k\, A^H(A x^k - y) + \big(N_k(x^k) - x^k\big)$$

All of $\eta_k$ and $N_k$ are trained for the last image alone. Nothing says what the images in between should be, and they can be odd.
Is there a reason to have $K$ steps, a rule for $\eta_k$, a meaning of $x^3$? The paper's answer: a flow.
""", "core")
M(r"""
## 3.2 A flow from the data to the image, in one dimension ● core

Take a number $x_0$ with the prior of lesson 2, two modes, and data $y = x_0 + n$. Connect the clean value and a degraded start by a
straight **path**. Time $t = 1$ is the start, $t = 0$ the clean value:

$$x_t = (1 - t)\,x_0 + t\,x_1, \qquad x_1 = A^H y + s\,\varepsilon, \qquad \varepsilon \sim N(0, 1)$$

Given $y$, every $x_0$ of the posterior and every $\varepsilon$ has a path of its own, and paths cross. Their average velocity at a point does not
cross itself. Following it carries the whole cloud from the start to the posterior; that is the **conditional flow**. For any test function
$h$, $\frac{d}{dt}E[h(x_t)] = E[h'(x_t)\,(x_1 - x_0)]$, so the law of $x_t$ moves with the velocity

$$v_t(x \mid y) = E[x_1 - x_0 \mid x_t = x, y] = \frac{x - D_t(x, y)}{t}, \qquad D_t(x, y) = E[x_0 \mid x_t = x, y] \tag{1}$$

because $x_1 - x_0 = (x_t - x_0)/t$ on every path. So a denoiser that is told $y$ is all the flow needs.
""", "core")
C("""
def toy(*values):
    return torch.tensor(values, dtype=torch.float64)


prior = Mixture(toy(0.4, 0.6), [Gaussian(toy([-1.0]), toy([0.04])), Gaussian(toy([1.0]), toy([0.06]))])
y, noise_std, s = 0.1, 0.8, 1.0                                # A = 1: y = x_0 + n
posterior = prior.posterior(toy([y]), MatrixModel(toy([1.0])), noise_std)
""", "core")
M(r"""
$D_t$ has a closed form here. What $x_t$ says about $x_0$ beyond $y$ is $r = (x_t - t y)/(1 - t) = x_0 + \tau\varepsilon$ with $\tau = ts/(1 - t)$: one more
measurement, with noise $\tau$. So $D_t$ is the mean of the posterior after that, which for a mixture Tweedie's formula gives.
""", "core")
C("""
def D(x, t):                                                   # (n,) -> (n,)
    if t == 1:                                                 # x tells nothing beyond y
        return sum(w * part.mean.squeeze() for w, part in zip(posterior.weights, posterior.parts)).expand(x.shape)
    r, tau = (x - t * y) / (1 - t), t * s / (1 - t)
    return r + tau**2 * posterior.score(r[:, None, None], tau).flatten()
""", "core")
C("""
def v(x, t):
    return (x - D(x, t)) / t                                   # (1)


fine = torch.linspace(1, 0, 1001, dtype=torch.float64).tolist()
x = torch.linspace(-2.4, 2.6, 11, dtype=torch.float64)
lines = [x]
for now, then in zip(fine[:-1], fine[1:], strict=True):        # small steps: as good as exact
    lines.append(lines[-1] + (then - now) * v(lines[-1], now))
""", "core")
C("""
cloud = y + s * torch.randn(4000, dtype=torch.float64, generator=generator)
for now, then in zip(fine[:-1:5], fine[5::5], strict=True):
    cloud = cloud + (then - now) * v(cloud, now)
share = float((cloud < 0).double().mean())
holds("the flow carries the cloud to the weights of the posterior", abs(share - float(posterior.weights[0])) < 0.03)
""", "core", "nbval-check-output")
C("""
figure = new_figure(9.6, 3.6)
left, right = figure.subplots(1, 2, width_ratios=(2, 1))
left.plot(fine, torch.stack(lines), color="#0072B2", linewidth=1.2)
grid = torch.linspace(-2.4, 2.6, 12, dtype=torch.float64)
for t in torch.linspace(0.95, 0.1, 10).tolist():
    left.quiver(torch.full_like(grid, t), grid, -torch.ones(12), -v(grid, t), color="#D55E00", width=0.002,
                angles="xy", scale_units="xy", scale=18)
left.set(title="The flow: trajectories and velocities", xlabel="time t (1 = start, 0 = image)", ylabel="x", xlim=(1, 0))
heights = torch.linspace(-2.4, 2.6, 200, dtype=torch.float64)
right.plot(posterior.log_density(heights[:, None, None]).exp(), heights, color="#000000", label="posterior")
right.hist(cloud, bins=60, density=True, orientation="horizontal", color="#56B4E9", label="where the cloud ends")
right.set(title="At t = 0", xlabel="density", ylim=left.get_ylim())
right.legend(fontsize=9, frameon=False)
show(figure, alt="Eleven trajectories start between -2.4 and 2.6 at t = 1 and flow into the two modes of the posterior at "
     "-1 and 1 without crossing; arrows show the velocity field. The histogram of where 4000 of them end fits the posterior.")
""", "core", "fold")
M(r"""
**The velocity is not the score.** The paper's first version says that it "aligns with" the gradient of the conditional log density.
It is an affine function of it, with a drift and a factor that depends on time (for $s > 0$):

$$v_t(x \mid y) = \frac{A^H y - x}{1 - t} - \frac{t s^2}{1 - t}\,\nabla_x \log p_t(x \mid y) \tag{2}$$
""")
C("""
def law_score(x, t):                                           # of p_t(x | y): the posterior, shrunk, moved and smoothed
    parts = [Gaussian((1 - t) * p.mean + t * y, (1 - t) ** 2 * p.variance) for p in posterior.parts]
    return Mixture(posterior.weights, parts).score(x[:, None, None], t * s).flatten()


for t in (0.2, 0.6, 0.9):
    agrees((y - x) / (1 - t) - t * s**2 / (1 - t) * law_score(x, t), v(x, t), 1e-9)
""", "nbval-check-output")
M(r"""
## 3.3 Euler's steps are relaxation ● core

Follow (1) from $t_k$ to $t_{k+1}$ with one step of Euler's method, $x^{k+1} = x^k + (t_{k+1} - t_k)\,v$. The times cancel into a share:

$$x^{k+1} = (1 - \lambda_k)\,x^k + \lambda_k\, D_{t_k}(x^k, y), \qquad \lambda_k = \frac{t_k - t_{k+1}}{t_k} = 1 - \frac{t_{k+1}}{t_k} \tag{3}$$

Each step goes a part of the way to the denoised value, and the last one all of it. The times are $t_k = (1 - k/K)^{1+\alpha}$, dense near the clean
end for $\alpha > 0$.
""", "core")
C("""
def my_times(K, alpha):
    return [(1 - k / K) ** (1 + alpha) for k in range(K + 1)]


def my_euler(D, x, t):
    for now, then in zip(t[:-1], t[1:], strict=True):
        lam = 1 - then / now
        x = (1 - lam) * x + lam * D(x, now)                    # (3)
    return x
""", "core")
C("""
agrees(my_times(12, 1.0), time_grid(12, 1.0), 1e-12)
agrees(my_euler(D, x, my_times(12, 1.0)), euler(D, x, time_grid(12, 1.0))[-1], 1e-12)
""", "core", "nbval-check-output")
M(r"""
**Exercise 1, fill in.** The shares $\lambda_k$ of a time grid $t$ of $K + 1$ times.
""")
C("""
def shares(t):
    ...  # t: (K + 1,) from 1 to 0; return (K,)


check("03", "shares", shares)
""", "exercise")
M(r"""
## 3.4 Where the data come in, without a false likelihood ● core

In images nobody has $D_t(x, y)$. The paper splits it with $p(y \mid x_t) = N(y;\, A x_t, \sigma^2)$ at every $t$, which its reviewers pointed out is only true at
$t = 0$. The split that is exact was used above: $r = (x_t - t A^H y)/(1 - t)$ is an *independent* measurement of $x_0$, by noise $\tau$, beside $y$. So
denoise $r$ as if there were no data, $\mu = E[x_0 \mid r]$, and then let $y$ correct it. With $C$ the covariance of $x_0$ given $r$,

$$D_t(x, y) = \mu + \tau^2\, \nabla_r \log p(y \mid r) \tag{4}$$

$$D_t(x, y) = \mu + C A^H\,(\sigma^2 + A C A^H)^{-1}(y - A\mu) \quad \text{for a Gaussian } x_0 \mid r \tag{5}$$

$$D_t(x, y) \approx \Big(A^H A + \frac{\sigma^2}{\rho_t^2}\Big)^{-1}\Big(A^H y + \frac{\sigma^2}{\rho_t^2}\,\mu\Big)
\quad \text{for } C \approx \rho_t^2 \tag{6}$$

$$D_t(x, y) \approx \mu - \gamma_t\, A^H(A\mu - y), \qquad \gamma_t = \frac{\rho_t^2}{\rho_t^2 + \sigma^2} \quad \text{where } A A^H = 1 \tag{7}$$

(6) is the block of MoDL that lesson 2 solved by conjugate gradients; (7) is one gradient step, and the same for a single coil. $\rho_t$ says how
far off the denoised image is, and it can be measured. All of this can be checked on a Gaussian prior, where linear algebra knows the answer.
""", "core")
C("""
def complex_noise(*shape):
    return torch.view_as_complex(torch.randn(*shape, 2, dtype=torch.float64, generator=generator))


def gaussian_flow(coils, s, shape=(6, 8), noise_std=0.3):
    maps = normalise_maps(complex_noise(coils, *shape)) if coils > 1 else torch.ones(1, *shape, dtype=torch.complex128)
    model = SenseModel(maps, random_mask(shape, 2, acs=2, generator=generator))
    prior = Gaussian(complex_noise(*shape), power_law(shape), "fourier")
    y = model.forward(prior.sample(1, generator)[0]) + noise_std * complex_noise(coils, *shape) * model.mask
    return GaussianFlow(prior, y, model, noise_std, s)
""", "core")
C("""
flow, t = gaussian_flow(coils=3, s=0.8), 0.5
x = complex_noise(6, 8)
given = flow.given_image(x, t)                                 # p(x_0 | r): mean mu and covariance C
A = flow.model.forward(torch.eye(48, dtype=x.dtype).unflatten(-1, (6, 8))).flatten(1).mT       # (points, pixels)
mu, C_t, points = given.mean.flatten(), given.covariance(), flow.y.flatten()
inner = 0.3**2 * torch.eye(len(A), dtype=torch.float64) + A @ C_t @ A.mH
mine = mu + C_t @ A.mH @ torch.linalg.solve(inner, points - A @ mu)                            # (5)
agrees(mine, flow.denoise(x, t).flatten(), 1e-10)
""", "core", "nbval-check-output")
M(r"""
How much do the approximations cost? With several coils $A A^H$ is not 1, and one gradient step is not the block; and no true covariance is isotropic.
The table has the error of one $D_t$, at points of the path, relative to what $y$ changes in it.
""", "core")
C("""
def cost_of(flow, t):
    x = (1 - t) * flow.posterior.sample(1, generator)[0] + t * flow.start(1, generator)[0]
    given, exact = flow.given_image(x, t), flow.denoise(x, t)
    rho2 = given.variance.mean()
    block = consistent(flow.model, flow.adjoint, given.mean, 0.3**2 / rho2, 30)                # (6)
    step = data_step(given.mean, flow.adjoint, flow.model, rho2 / (rho2 + 0.3**2))             # (7)
    return [float((each - exact).norm() / (given.mean - exact).norm()) for each in (block, step)]


costs = {(coils, t): cost_of(gaussian_flow(coils, 0.8), t) for coils in (1, 3) for t in (0.2, 0.5, 0.8)}
lines = "\\n".join(f"| {n} | {t} | {100 * six:.0f} % | {100 * seven:.0f} % |" for (n, t), (six, seven) in costs.items())
Markdown(f"| coils | t | block (6) | single step (7) |\\n|---|---|---|---|\\n{lines}")
""", "core")
C("""
holds("for one coil the step is the block", all(abs(a - b) < 1e-6 for (n, _), (a, b) in costs.items() if n == 1))
holds("for several it is not", all(abs(a - b) > 1e-3 for (n, _), (a, b) in costs.items() if n > 1))
""", "core", "nbval-check-output")
M(r"""
**Exercise 2, fill in.** $\gamma_t$ from the doubt $\rho$ of the denoised image and the noise $\sigma$ of the data, both per real component.
""")
C("""
def trust(rho, sigma):
    ...  # how far to go from the denoised image towards the data, between 0 and 1


check("03", "trust", trust)
""", "exercise")
M(r"""
## 3.5 It is exactly one cascade of a VarNet ● core

Put (7) into (3), and add and subtract $A x^k$. No approximation is made in this:

$$x^{k+1} = x^k - \eta_k\, A^H(A x^k - y) + \lambda_k\,(I - \gamma_k A^H A)\,\big(N(x^k, t_k) - x^k\big), \qquad \eta_k = \lambda_k \gamma_k \tag{8, 9}$$

It is the cascade of 3.1 with **explicit parameters**: the step of the data term and the weight of the network follow from the times, from how good the denoiser
is, and from the noise. MoDL is the case $\lambda_k = 1$. The identity, checked on random numbers:
""", "core")
C("""
def my_cascade(x, N, adjoint, model, lam, gamma):
    data = lam * gamma * (model.normal(x) - adjoint)           # eta_k A^H (A x - y)
    change = lam * (N - x)
    return x - data + change - gamma * model.normal(change)    # (8)


N, lam, gamma = complex_noise(6, 8), 0.3, 0.8
step = (1 - lam) * x + lam * data_step(N, flow.adjoint, flow.model, gamma)                     # (7) in (3)
mine = my_cascade(x, N, flow.adjoint, flow.model, lam, gamma)
agrees(mine, step, 1e-12)
agrees(mine, cascade(x, N, flow.adjoint, flow.model, lam * gamma, lam, gamma), 1e-12)
""", "core", "nbval-check-output")
M(r"""
**Two rules.** As far as reviews of its first version tell, the paper takes $\eta_k = |\delta_k|/\sigma^2$ with $\delta_k = t_{k+1} - t_k$ and $\sigma = 1$. That is (9) with
$\gamma_t = t$: the data count less and less towards the clean image. The derivation says the opposite for clean data: $\gamma_t \to 1$, and $\eta_k = \lambda_k$ grows to 1.
Both are built below, and compared.
""", "core")
C("""
t = time_grid(12, 1.0)
rules = {"paper: |delta_k|": -t.diff(), "derived, gamma = 1: lambda_k": relaxations(t)}
curves(
    range(12), rules, title="The step of the data term, K = 12, alpha = 1", xlabel="cascade k", ylabel="eta_k", markers=True,
    alt="The paper's steps fall from 0.16 to 0.007 along the cascades; the derived ones grow from 0.16 to 1.",
)
""", "core", "fold")
M(r"""
## 3.6 Without noise in the start: what unrolled networks do ● core

Unrolled networks start from $A^H y$ itself, $s = 0$. Then $x_t$ tells $x_0$ exactly, $v = (A^H y - x)/(1 - t)$, and every straight ray out of $A^H y$ solves the equation: a
point cannot flow into a cloud. All is decided by the first step, where $D_1 = E[x_0 \mid y]$. From there on Euler is exact, for any $K$ and any schedule:

$$x^k = (1 - t_k)\,E[x_0 \mid y] + t_k\, A^H y, \qquad
E\|x^k - x_0\|^2 = \underbrace{E\|x_0 - E[x_0 \mid y]\|^2}_{\text{nobody can do better}} + t_k^2\, E\|A^H y - E[x_0 \mid y]\|^2 \tag{10}$$

So $s = 0$ is no posterior sampler. But it says what the states in between should be, and that the error falls monotonically, by the law (10). Over all networks, this ray
is what alignment to $(1 - t)x_0 + tA^Hy$ has as its optimum, if errors are squared (absolute ones, as below, ask for a median); asking each state for the image itself (*deep supervision*) has another: $x^k = E[x_0 \mid y]$ for all $k$.
""", "core")
C("""
still = gaussian_flow(coils=3, s=0.0)
for K, alpha in ((1, 0.0), (5, 0.0), (12, 4.0)):
    agrees(euler(still.denoise, still.adjoint, time_grid(K, alpha))[-1], still.posterior.mean, 1e-9)
""", "core", "nbval-check-output")
C("""
states, t = euler(still.denoise, still.adjoint, time_grid(12, 1.0)), time_grid(12, 1.0)
truths = still.posterior.sample(4000, generator)               # (4000, H, W)
measured = [float((x - truths).abs().square().sum((1, 2)).mean()) / 2 for x in states]         # per real component
agrees(measured, [still.expected_error(each) for each in t.tolist()], 0.02)
""", "core", "nbval-check-output")
M(r"""
**Exercise 3, predict.** A network is trained so that every state $x^k$ is as near as possible to the image, $k = 1 \dots K$ (deep supervision), another so that
$x^k$ is on the path (alignment). Which one has the higher PSNR after half of the cascades? `"a"`: the aligned one. `"b"`: the deeply supervised one. `"c"`: both the same.
""")
C("""
my_guess = ...  # "a", "b" or "c"

check("03", "half-way", my_guess)
""", "exercise")
M(r"""
## 3.7 With noise in the start: a sampler ○ optional

For $s > 0$ the flow does carry the start to the posterior, and Euler's error falls as $1/K$. Few steps leave out variance. The end is affine in the start, so its covariance can be
computed without a single draw.
""")
C("""
lively = gaussian_flow(coils=1, s=0.8)
units = torch.eye(48, dtype=torch.complex128).unflatten(-1, (6, 8))


def end_covariance(K):
    t = time_grid(K, 1.0)
    base = euler(lively.denoise, lively.adjoint, t)[-1]
    columns = (euler(lively.denoise, lively.adjoint + units, t)[-1] - base).flatten(1).mT
    return lively.s**2 * columns @ columns.mH


exact = lively.posterior.covariance()
found = {K: end_covariance(K) for K in (4, 8, 16, 32, 64)}
""")
C("""
ratio = {K: float(c.diagonal().real.sum() / exact.diagonal().real.sum()) for K, c in found.items()}
miss = {K: float((c - exact).norm() / exact.norm()) for K, c in found.items()}
holds("few steps spread too little", all(r < 1 for r in ratio.values()) and ratio[4] < ratio[64])
holds("twice the steps, half the error", 1.6 < miss[32] / miss[64] < 2.2)
""", "nbval-check-output")
C("""
figure = new_figure(9.6, 3.2)
left, right = figure.subplots(1, 2)
curves(list(ratio), {"Euler": list(ratio.values())}, "", axis=left, markers=True, title="Variance of the ends",
       xlabel="steps K", ylabel="of the posterior's", xscale="log", ylim=(0, 1.05))
curves(list(miss), {"Euler": list(miss.values()), "1 / K": [4 * miss[64] * 16 / K for K in miss]}, "", axis=right, markers=True,
       title="Error of the covariance", xlabel="steps K (log)", ylabel="relative (log)", xscale="log", yscale="log")
for axis in (left, right):
    axis.set_xticks(list(miss), [str(K) for K in miss])
    axis.minorticks_off()
right.set_yticks([0.05, 0.1, 0.2, 0.4], ["0.05", "0.1", "0.2", "0.4"])
show(figure, alt="Left: with 4 steps the ends have about half of the posterior's variance, with 64 nearly all. Right: the error "
     "of the covariance falls along a line of slope -1.")
""", "fold")
M(r"""
**Try it.** A Gaussian field of 64 x 64 under random lines, computed live. Find out: which rule ends at $E[x_0 \mid y]$ for $s = 0$? What do a large $\alpha$ and a small $K$ do to
the spread for $s > 0$? When does the paper's rule leave noise behind?
""", "core")
C("""
from mrilab.teach.views_flow import rules_view
from mrilab.teach.widgets_flow import rules_widget

rules_widget()
""", "core", "widget")
C("""
for rule, s in (("exact", 0.0), ("exact", 0.5), ("paper", 0.5)):
    view = rules_view(rule, K=12, alpha=1.0, s=s, noise_std=0.1)
    show(view.plot, alt=f"Left, the expected error of the states over the cascades beside that of the path; right, the step sizes. {view.text}")
    print(f"s = {s}: {view.text}")
""", "core", "fold")
# ---------------------------------------------------------------------------------------------------------------
nb = new_notebook(cells=cells)
if __name__ == "__main__":
    head = [new_code_cell('''import math
import torch
from IPython.display import Markdown
from mrilab.methods.exact import Gaussian, MatrixModel, Mixture
from mrilab.methods.flow import GaussianFlow, cascade, euler
from mrilab.methods.flow_spectrum import power_law
from mrilab.nets.consistency import consistent, data_step
from mrilab.nets.schedule import relaxations, time_grid
from mrilab.physics import SenseModel, normalise_maps, random_mask
from mrilab.teach.compare import agrees, holds
from mrilab.teach.figures import Panel, curves, gallery, new_figure, panels, show
generator = torch.Generator().manual_seed(1)
def check(*a): print("exercise", a[:2])''')]
    nb.cells = head + nb.cells
    nbformat.write(nb, sys.argv[1])
    print(len(cells))
