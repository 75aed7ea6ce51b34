"""How a segmentation network is trained and measured."""

import torch
from monai.losses import DiceLoss
from monai.metrics import DiceMetric
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mrilab.sgr.segment_data import NOISE_STD, SCALE, Source, augment
from mrilab.sgr.segmentation import Segmenter
from mrilab.training.feed import Batch

WEIGHTS = {"lesion": 4.0}  # of the cross-entropy; all other classes have 1
VALIDATED = 8  # number of validation slices of the loss
MEASURED = 64  # number of validation slices of the Dice scores
dice_loss = DiceLoss(include_background=False, to_onehot_y=True, softmax=True)


class SegmentTask:
    """A segmentation network with its slices and its loss, for `fit`."""

    def __init__(self, name: str, source: Source, side: int, architecture: str, width: int, levels: int, seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Segmenter(source.classes, architecture, width, levels)
        self.network: nn.Module = network
        self.source = source
        self.weights = torch.tensor([1.0, *(WEIGHTS.get(name, 1.0) for name in source.classes)])
        self.config = {"name": name, "side": side, **source.config, "noise_std": NOISE_STD, "scale": list(SCALE)}
        self.config |= {"weights": self.weights.tolist(), "network": network.config}
        self._fixed: Batch = source.validation(VALIDATED)  # here, since `validate` may run in bfloat16

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw `n` magnitudes (n, H, W) and the numbers of their classes (n, H, W)."""
        indices = torch.randint(self.source.size, (n,), generator=generator).tolist()
        clean, labels = zip(*map(self.source.train, indices), strict=True)
        magnitudes, classes = augment(torch.cat(clean), torch.cat(labels), generator)
        return magnitudes.to(device), classes.to(device)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return weighted cross-entropy plus 1 - soft Dice, the mean over classes but the background and slices."""
        magnitudes, classes = batch
        logits = network(magnitudes).float()  # (n, 1 + classes, H, W)
        entropy = cross_entropy(logits, classes.long(), self.weights.to(logits))
        return entropy + dice_loss(logits, classes[:, None])

    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss on fixed slices, and a picture: magnitudes above true above predicted classes."""
        device = next(network.parameters()).device
        magnitudes, classes = (tensor.to(device) for tensor in self._fixed)
        found = network(magnitudes).argmax(1)  # (n, H, W)
        grey = len(self.source.classes)
        rows = [magnitudes / magnitudes.max(), classes / grey, found / grey]
        picture = torch.cat([torch.cat([*row], -1) for row in rows])  # (3 H, n W)
        return self.loss(network, (magnitudes, classes)).item(), picture

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return the mean Dice score of each class over the validation slices that have it, and their number."""
        magnitudes, classes = self.source.validation(MEASURED)
        device = next(network.parameters()).device
        found = torch.cat([network(image[None].to(device)).argmax(1).cpu() for image in magnitudes])  # (n, H, W)
        return dice(found, classes, self.source.classes)


def dice(found: Tensor, true: Tensor, classes: tuple[str, ...]) -> dict[str, float]:
    """Return the mean Dice score of each class over the slices that truly have it, and the number of these slices.

    Both hold numbers of classes, (n, H, W). A class that no slice has gets no score.
    """
    metric = DiceMetric(False, reduction="mean_batch", get_not_nans=True, num_classes=1 + len(classes))
    metric(found[:, None], true[:, None])
    scores, counts = (each.tolist() for each in metric.aggregate())
    named = {f"dice {name}": score for name, score, count in zip(classes, scores, counts, strict=True) if count}
    return named | {f"slices with {name}": int(count) for name, count in zip(classes, counts, strict=True)}
