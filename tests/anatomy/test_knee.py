import pytest
import torch
from scipy import ndimage

from mrilab.anatomy.acquire import band_limit
from mrilab.anatomy.knee import STRUCTURES, knee_phantom
from mrilab.data.recipes import simulate
from mrilab.errors import UserError
from mrilab.physics import estimate_maps

SHAPE = (128, 128)
LABELS = {name: number for number, name in enumerate(STRUCTURES)}


def knee(seed, shape=SHAPE, **options):
    return knee_phantom(shape, torch.Generator().manual_seed(seed), **options)


def median_of(image, labels, *names):
    chosen = torch.stack([labels == LABELS[n] for n in names]).any(0)
    return image.abs()[chosen].median().item()


def centre_of(labels, name):
    return (labels == LABELS[name]).nonzero().float().mean(0)  # (row, column)


def test_types_and_labels():
    image, labels = knee(0)
    assert image.shape == labels.shape == SHAPE
    assert image.dtype == torch.complex64 and labels.dtype == torch.int64
    assert labels.min() == 0 and labels.max() < len(LABELS)
    assert image.isfinite().all()


def test_many_structures_in_every_random_knee():
    always = {"skin", "subcutaneous_fat", "muscle", "femur_marrow", "femur_cortex", "tibia_marrow", "patella",
              "patellar_cartilage", "femoral_cartilage", "patellar_tendon", "quadriceps_tendon", "hoffa_fat_pad",
              "effusion"}  # fmt: skip
    names = list(LABELS)
    for seed in range(40):
        kind = ("condyle", "notch")[seed % 2]
        _, labels = knee(seed, (96, 96), kind=kind)
        present = {names[i] for i in labels.unique()}
        assert always <= present, always - present
        condyle, notch = {"meniscus", "fibula", "tibial_cartilage"}, {"acl", "pcl", "vessel"}
        assert condyle <= present if kind == "condyle" else notch <= present
        assert "articular_cartilage" not in present


@pytest.mark.parametrize("seed", range(4))
def test_each_cartilage_lies_on_its_own_bone(seed):
    """Labels within 4 mm of a bone's own, and the three parts where an anatomist has them."""
    _, labels = knee(seed, (192, 192), kind="condyle")
    for part, bone in {"patellar": "patella", "femoral": "femur_cortex", "tibial": "tibia_cortex"}.items():
        cartilage = labels == LABELS[f"{part}_cartilage"]
        away = ndimage.distance_transform_edt((labels != LABELS[bone]).numpy(), sampling=160 / 192)  # mm
        assert cartilage.sum() > 60 and away[cartilage.numpy()].max() < 4
    patellar, femoral, tibial = (centre_of(labels, f"{part}_cartilage") for part in ("patellar", "femoral", "tibial"))
    assert patellar[1] < femoral[1] and patellar[1] < tibial[1] and femoral[0] < tibial[0]


def test_both_kinds_are_drawn_when_none_is_asked_for():
    menisci = [bool((knee(seed, (48, 48))[1] == LABELS["meniscus"]).any()) for seed in range(12)]
    assert 2 <= sum(menisci) <= 10


@pytest.mark.parametrize("seed", [3, 8])
def test_the_same_seed_draws_the_same_knee_on_a_finer_grid(seed):
    (coarse, coarse_labels), (fine, fine_labels) = knee(seed), knee(seed, (256, 256))
    assert (coarse_labels == fine_labels[::2, ::2]).float().mean() > 0.98
    truth = band_limit(fine, SHAPE)
    error = (truth - coarse).norm() / truth.norm()
    assert 0.005 < error < 0.15  # the same anatomy, but sampling points is not truncating k-space
    assert torch.equal(knee(seed)[0], coarse)
    assert (knee(seed + 1)[1] != coarse_labels).float().mean() > 0.05


@pytest.mark.parametrize("kind", ["condyle", "notch"])
def test_contrasts_are_those_of_proton_density_images(kind):
    for seed in range(2):
        image, labels = knee(seed, kind=kind)
        fat, marrow, muscle = (median_of(image, labels, n) for n in ("deep_fat", "femur_marrow", "muscle"))
        assert min(fat, marrow) > muscle > median_of(image, labels, "patellar_tendon")
        assert median_of(image, labels, "femoral_cartilage") > muscle
        assert median_of(image, labels, "quadriceps_tendon") < 0.3 * fat
        assert muscle < median_of(image, labels, "effusion")


def test_anatomy_is_where_it_belongs():
    for seed in range(4):
        _, labels = knee(seed, kind="condyle")
        femur, tibia, patella, fibula, meniscus = (
            centre_of(labels, n) for n in ("femur_marrow", "tibia_marrow", "patella", "fibula", "meniscus")
        )
        assert femur[0] < meniscus[0] < tibia[0]  # rows grow downwards
        assert patella[1] < femur[1] < fibula[1]  # front to the left
        for bone in ("femur", "tibia"):  # cortex encloses marrow: no marrow touches anything else above and below
            marrow = labels == LABELS[f"{bone}_marrow"]
            assert marrow.any() and (labels == LABELS[f"{bone}_cortex"]).sum() > 100


def test_air_is_dark_and_tissue_has_texture():
    image, labels = knee(1)
    assert image.abs()[labels == 0].mean() < 0.02 * image.abs().max()
    for name in ("femur_marrow", "muscle", "deep_fat"):
        values = image.abs()[labels == LABELS[name]]
        assert 0.03 < (values.std() / values.mean()).item() < 0.6


def test_an_unknown_kind_is_a_user_error():
    with pytest.raises(UserError, match="'condyle' or 'notch'"):
        knee(0, kind="hip")


def test_the_signal_fades_to_nothing_at_both_ends_of_the_field_of_view_and_nowhere_else():
    image, _ = knee(1)
    rows = image.abs().mean(1)  # (H,)
    assert rows[0] < 1e-3 * rows.max() and rows[-1] < 0.01 * rows.max()
    middle = rows[20:108]
    assert middle.min() > 0.4 * middle.max()


def test_maps_estimated_from_all_lines_are_those_of_the_coils():
    """They were a tenth off while the leg reached the periodic edge of the field of view."""
    scan = simulate("knee-test", 0)
    maps, _ = estimate_maps(scan.kspace, torch.ones(1, 1, dtype=torch.bool))
    phase = (maps.conj() * scan.coil_maps).sum(0).sgn()  # a common one is the image's
    error = (maps * phase - scan.coil_maps).abs().square().sum(0)[scan.truth.abs() > 0.1]
    assert error.mean().sqrt() < 0.03
