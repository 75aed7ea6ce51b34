import pytest
import torch

from mrilab.baselines.istanet import ISTANet
from mrilab.physics import Acquisition, equispaced_mask, fft2c, ifft2c

SHAPE = (12, 14)
MASK = equispaced_mask(SHAPE, 2, acs=4)


def test_it_has_the_size_of_the_authors():
    count = sum(parameter.numel() for parameter in ISTANet().parameters())
    assert count == 9 * (2 + 9 * (2 * 2 * 32 + 4 * 32**2))


def test_a_phase_is_its_equation(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE)
    network = awake(ISTANet(4, 2).double(), 0.4)
    with torch.no_grad():
        states, _, asymmetry = network(Acquisition(y, mask, maps))
        x, misfits = (maps.conj() * ifft2c(mask * y)).sum(1), []
        for k, phase in enumerate(network.phases):
            torch.testing.assert_close(states[k], x)
            r = x - phase.step * (maps.conj() * ifft2c(mask * fft2c(maps * x[:, None]) - y)).sum(1)
            z = phase.D(torch.stack([r.real, r.imag], 1))
            h = phase.forth[2](phase.forth[0](z).clamp(min=0))
            soft = torch.where(h.abs() > phase.threshold, h - phase.threshold * h.sign(), 0)
            if float(phase.threshold) < 0:  # a negative threshold lifts, as in the authors' code
                soft = h - phase.threshold * h.sign()
            g = phase.G(phase.back(soft))
            x = r + torch.complex(g[:, 0], g[:, 1])
            misfits.append((phase.back(h) - z).square().mean())
        torch.testing.assert_close(states[2], x)
        torch.testing.assert_close(asymmetry, torch.stack(misfits).mean())


@pytest.mark.parametrize(("shape", "coils", "n"), [((9, 12), 1, 1), ((16, 17), 5, 3)])
def test_any_shape_batch_and_number_of_coils(shape, coils, n, awake, problem):
    y, mask, maps, _ = problem(equispaced_mask(shape, 2, acs=4), shape, coils, n)
    states = awake(ISTANet(4, 3).double())(Acquisition(y, mask, maps)).states
    assert states.shape == (4, n, *shape) and torch.isfinite(torch.view_as_real(states)).all()


def test_gradients_against_finite_differences(awake, problem, generator):
    y, mask, maps, _ = problem(MASK, SHAPE, n=1)
    network = awake(ISTANet(4, 2).double(), 0.4)
    parameters = list(network.parameters())
    directions = [torch.randn(p.shape, dtype=torch.float64, generator=generator) for p in parameters]
    probe = torch.randn(1, *SHAPE, dtype=torch.complex128, generator=generator)

    def value():
        states, _, asymmetry = network(Acquisition(y, mask, maps))
        return (probe.conj() * states[-1]).real.sum() + asymmetry

    gradients, step, values = torch.autograd.grad(value(), parameters), 1e-7, []
    for sign in (1, -2):
        with torch.no_grad():
            for each, direction in zip(parameters, directions, strict=True):
                each += sign * step * direction
            values.append(value())
    analytic = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    torch.testing.assert_close(analytic, (values[0] - values[1]) / (2 * step), rtol=1e-5, atol=0)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_bf16_keeps_to_complex64(awake, problem):
    y, mask, maps, _ = problem(MASK, SHAPE, dtype=torch.complex64)
    network = awake(ISTANet(4, 2))
    with torch.no_grad():
        single = network(Acquisition(y, mask, maps)).states
        with torch.autocast("cpu", torch.bfloat16):
            half = network(Acquisition(y, mask, maps)).states
    assert half.dtype == torch.complex64
    assert 0 < (half - single).norm() < 0.05 * single.norm()
