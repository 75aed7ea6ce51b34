"""The exponent of variable density for classification, on validation images: the baseline gets its best one."""

from dataclasses import replace

from mrilab.evaluation.experiments import experiment
from mrilab.infomri.tasks.classifiers import Classified, find_classifier
from mrilab.infomri.tasks.study_classes import source_of, train_classifier
from mrilab.infomri.tasks.train_classes import ClassificationTask

EXPONENTS = (2.0, 4.0, 8.0, 16.0, 32.0)


@experiment(
    "classification: exponent of variable density, on validation images (trains ten classifiers)",
    ("accuracy",),
    lambda: [(images, exponent) for images in ("glyphs", "heads") for exponent in EXPONENTS],
)
def measure(images: str, exponent: float) -> dict[str, float]:
    """Train a classifier on points of this density, and return its accuracy on validation images."""
    named = find_classifier(f"{images}-variable-density")
    model: Classified = replace(named, sampling=named.sampling | {"exponent": exponent})
    network = train_classifier(model, f"classes-density-{images}-{exponent:g}", 0)
    return ClassificationTask(model, source_of(images)).measure(network)
