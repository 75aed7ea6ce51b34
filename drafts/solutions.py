# to be added to mrilab/teach/solutions/lesson_02.py
def data_consistency(z, y, mask, lam):
    """(y + lam z) / (1 + lam) where measured, z elsewhere."""
    return (mask * y + lam * z) / (mask + lam)


def equivalent(differences, margin):
    """Whether the 90 % interval of the mean lies within +- margin (two one-sided t tests)."""
    ...
# "data-consistency": Exercise(data_consistency,
#   "a weighted mean of data and denoiser where there are data, the denoiser alone where there are none.",
#   {"replaced": Mistake(lambda z, y, m, l: torch.where(m, y, z), "that is lambda = 0: the data, noise and all, replace what the denoiser says. Weigh the two."),
#    "everywhere": Mistake(lambda z, y, m, l: (y + l * z) / (1 + l), "where nothing was measured this weighs the denoiser against zeros; only lambda counts there."),
#    "turned-round": Mistake(lambda z, y, m, l: (l * m * y + z) / (l * m + 1), "lambda is the weight of the denoiser, not of the data: a large one must give z."),},
#   cases=[(_complex(4, 6), _complex(4, 6, seed=2) * _mask, _mask, 0.05), (..., 2.0)])
