import pytest
import torch

from mrilab.flat.flow import relaxations, time_grid
from mrilab.flat.losses import FLOOR, LOSSES, W_ALIGN, aligned, aligned_velocities, deep, logarithmic, matched
from mrilab.training.losses import composite, distance

K, SHAPE = 5, (3, 9, 8)


@pytest.fixture
def path(generator):
    """(states, clean, t): an ideal path, without its last state being off."""
    clean, start = (torch.randn(*SHAPE, dtype=torch.complex128, generator=generator) for _ in range(2))
    t = time_grid(K, 1.0)
    states = (1 - t)[:, None, None, None] * clean + t[:, None, None, None] * start
    return states, clean, t


def test_the_ideal_path_costs_nothing_but_where_every_state_is_to_be_the_image(path):
    states, clean, t = path
    for name, loss in LOSSES.items():
        if name not in ("deep", "matched"):
            assert float(loss(states, clean, t)) == pytest.approx(0, abs=1e-9), name
    assert float(deep(states, clean, t)) > 0.1


def test_alignment_is_the_mean_distance_to_the_ideal_states(path, generator):
    states, clean, t = path
    wrong = states.clone()
    wrong[2] += 0.3 * torch.randn(*SHAPE, dtype=torch.complex128, generator=generator)
    away = (wrong[2] - states[2]).abs().mean((-2, -1)) / clean.abs().mean((-2, -1))
    assert float(aligned(wrong, clean, t)) == pytest.approx(float(W_ALIGN * away.mean() / K))
    assert float(aligned(wrong, clean, t) - composite(wrong, clean)) > 0


def test_velocities_are_states_with_other_weights(path, generator):
    states, clean, t = path
    noise = 0.1 * torch.randn(K, *SHAPE, dtype=torch.complex128, generator=generator)
    wrong = torch.cat([states[:1], states[1:] + noise])
    delta = (t[1:] - t[:-1])[:, None, None, None]
    # v*_k = (x*_{k+1} - x^k) / delta_k and v^k = (x^{k+1} - x^k) / delta_k, with x^k where the network is
    ideal, own = (states[1:] - wrong[:-1]) / delta, (wrong[1:] - wrong[:-1]) / delta
    gap = ((ideal - own).abs().mean((-2, -1)) / clean.abs().mean((-2, -1))).mean(1).sum()
    expected = W_ALIGN * gap / (1 / delta.abs()).sum()
    assert float(aligned_velocities(wrong, clean, t) - composite(wrong, clean)) == pytest.approx(float(expected))


def test_matching_looks_through_the_step_at_the_denoised_image(path, generator):
    states, clean, t = path
    D = clean + 0.2 * torch.randn(K, *SHAPE, dtype=torch.complex128, generator=generator)
    share = relaxations(t)[:, None, None, None]
    stepped = torch.cat([states[:1], (1 - share) * states[:-1] + share * D])
    energy = (D - clean).abs().square().mean((-2, -1)) / clean.abs().square().mean((-2, -1))
    assert float(matched(stepped, clean, t)) == pytest.approx(float(energy.mean()))


def test_the_distance_is_relative_to_each_image(path):
    _, clean, _ = path
    scales = torch.tensor([1.0, 10.0, 1e-6], dtype=torch.float64)[:, None, None]
    assert float(distance(1.5 * scales * clean, scales * clean)) == pytest.approx(0.5)


def test_by_the_logarithm_halving_any_loss_counts_alike(path, generator):
    states, clean, t = path
    noise = torch.randn(*SHAPE, dtype=torch.complex128, generator=generator)
    size = torch.tensor([0.3, 3.0, 30.0], dtype=torch.float64)[:, None, None]

    def halved(image):
        wrong = states.clone()
        wrong[2] += size * noise
        wrong[2, image] -= size[image] * noise[image] / 2
        return float(logarithmic(aligned, wrong, clean, t))

    each = [float(aligned((states + size * noise)[:, n : n + 1], clean[n : n + 1], t)) for n in range(3)]
    assert each[0] < each[1] < each[2]
    both = torch.tensor([[FLOOR + loss for loss in each]], dtype=torch.float64).log().mean()
    assert float(logarithmic(aligned, states + size * noise, clean, t)) == pytest.approx(float(both))
    assert halved(1) == pytest.approx(halved(2), abs=0.05)  # FLOOR is small beside both losses
