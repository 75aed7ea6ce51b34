"""An attack on a finished image, beside which guidance is held: same norm, same network, no prior.

Guidance is a gradient through a segmentation network, as an attack is. If its images mean more, a second network sees
more of the change of volume than it sees of an attack's.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mrilab.nets.consistency import consistent
from mrilab.physics.acquisition import LinearModel
from mrilab.sgr.guidance import low_loss, up_loss
from mrilab.sgr.moved import Segment

STEPS = 10  # number of gradients
LENGTH = 0.5  # length of a step in units of the norm of the attack
WEIGHT = 1e-4  # of the null space: directions to which A^H A gives less than this share count as unseen
ITERATIONS = 50  # number of conjugate-gradient iterations of a projection


def attack(
    image: Tensor,
    segment: Segment,
    c: int,
    up: bool,
    norm: Tensor,
    project: Callable[[Tensor], Tensor] | None = None,
    steps: int = STEPS,
) -> Tensor:
    """Return a perturbation of the given norm that raises (`up`) or lowers the volume of class `c` for a network.

    Projected gradient ascent on the sphere (Madry et al., ICLR 2018) of the loss of guidance, L-up or L-low (12).

    Args:
        image: (n, H, W) in units of q.
        segment: network that is attacked.
        norm: (n,), Euclidean, of each perturbation.
        project: a linear projection of images, such as `null_space`, in whose range the perturbation stays.
        steps: number of gradients.

    The more steps, the less another network sees of it, while the first one's change of volume hardly grows after
    three: state the number beside every transfer. The perturbation is (n, H, W). It is 0 where there is no gradient: no
    pixel is left to win or to lose.
    """
    loss = up_loss if up else low_loss
    size = norm[:, None, None].to(image.real)  # (n, 1, 1)
    delta = torch.zeros_like(image)
    for _ in range(steps):
        with torch.enable_grad():
            x = (image + delta).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(segment(x), c).sum(), x)
        with torch.no_grad():
            direction = _unit(gradient if project is None else project(gradient))
            delta = size * _unit(delta + LENGTH * size * direction)
    return delta


def null_space(model: LinearModel, v: Tensor, weight: float = WEIGHT, iterations: int = ITERATIONS) -> Tensor:
    """Return what is left of images v (*batch, H, W) where the data see nothing: (I - A^+ A) v.

    With one coil that is a projection. With many, A^H A has a few zeros and many small eigenvalues, so the null space
    is a matter of degree: this is weight (A^H A + weight)^-1 v, which for weight -> 0 tends to the projection. State
    `data_change` beside it.
    """
    # argmin_x ||A x - 0||^2 + weight ||x - v||^2
    with torch.no_grad():
        return consistent(model, torch.zeros_like(v), v, v.real.new_tensor(weight), iterations)


def data_change(model: LinearModel, image: Tensor, delta: Tensor) -> Tensor:
    """Return ||A delta|| / ||A image||, (*batch), for images (*batch, H, W): how far a perturbation moves the data."""
    axes = (-3, -2, -1)
    changed, data = (torch.linalg.vector_norm(model.forward(x), dim=axes) for x in (delta, image))
    return changed / data


def _unit(x: Tensor) -> Tensor:
    """Return images (n, H, W) of norm 1, or 0 where they are 0."""
    length = torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True)  # (n, 1, 1)
    return x / torch.where(length > 0, length, 1)
