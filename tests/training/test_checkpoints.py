import hashlib
import json

import pytest
import torch

from mrilab.course.check import check_checkpoints
from mrilab.csgm.denoiser import Denoiser
from mrilab.errors import UserError
from mrilab.training.checkpoints import CARD, STORAGE, load_checkpoint, save_checkpoint, stored_weights

FACTS = {"data": "noise", "seeds": {"all": 0}, "steps": 3, "minutes": 0.1, "metrics": {"validation_loss": 1.0}}


@pytest.fixture
def saved(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = Denoiser(width=8, sigma_data=0.3)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    save_checkpoint("prior", network, FACTS, tmp_path)
    return tmp_path, network


def test_a_network_comes_back_by_name_with_its_card(saved, generator):
    folder, network = saved
    loaded, card = load_checkpoint("prior", folder)
    network.load_state_dict(stored_weights(network))
    x, sigma = torch.randn(1, 9, 8, dtype=torch.complex64, generator=generator), torch.tensor([0.5])
    assert torch.equal(loaded(x, sigma), network(x, sigma)) and not loaded.training
    assert set(CARD) <= card.keys() and card["steps"] == 3 and card["versions"]["torch"] == torch.__version__
    assert card["network"]["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert card["storage"] == STORAGE and {value.dtype for value in loaded.parameters()} == {torch.float32}


class Mixed(torch.nn.Module):
    """Parameters and buffers of all kinds: (name, whether it is stored in half the bytes)."""

    def __init__(self):
        super().__init__()
        self.kernel = torch.nn.Parameter(torch.full((3, 3), 1 / 3))
        self.vector = torch.nn.Parameter(torch.full((3,), 1 / 3))
        self.number = torch.nn.Parameter(torch.tensor(1 / 3))
        self.register_buffer("grid", torch.full((3, 3), 1 / 3, dtype=torch.float64))
        self.register_buffer("count", torch.tensor([[2**40 + 1]]))


def test_kernels_are_stored_in_half_the_bytes_and_all_else_is_exact():
    network = Mixed()
    stored = stored_weights(network)
    assert stored["kernel"].dtype == torch.float16
    assert torch.equal(stored["kernel"], network.kernel.half())
    for name in ("vector", "number", "grid", "count"):
        assert stored[name].dtype == getattr(network, name).dtype and torch.equal(stored[name], getattr(network, name))


@pytest.mark.parametrize("value", [7e4, float("nan")])
def test_a_weight_that_float16_cannot_hold_is_told_in_a_sentence(value):
    network = Mixed()
    torch.nn.init.constant_(network.kernel, value)
    with pytest.raises(UserError, match="not finite or above 65,504; train with a lower learning rate"):
        stored_weights(network)


def test_the_card_is_the_one_that_mrilab_check_reads(saved):
    folder, _ = saved
    assert check_checkpoints(folder).seen == "1 present and intact"
    weights = folder / "prior.safetensors"
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert not check_checkpoints(folder).ok


def change(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "one bit of a weight": lambda path: change(path, -5),
    "one bit of the header": lambda path: change(path, 3),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_told_in_a_sentence(saved, damage):
    folder, _ = saved
    DAMAGE[damage](folder / "prior.safetensors")
    match = "are missing; get it again" if damage == "missing" else "is not the file that its card describes; get it"
    with pytest.raises(UserError, match=match) as caught:
        load_checkpoint("prior", folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"name"', "{}", '{"sha256": 1}', "\0\0"])
def test_a_damaged_card_is_told_in_a_sentence(saved, text):
    folder, _ = saved
    (folder / "prior.json").write_text(text)
    with pytest.raises(UserError, match="the card .* (cannot be read|is not complete); get it again"):
        load_checkpoint("prior", folder)


def test_a_card_that_is_not_text_is_told_in_a_sentence(saved):
    folder, _ = saved
    (folder / "prior.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UserError, match="cannot be read"):
        load_checkpoint("prior", folder)


@pytest.mark.parametrize(
    "network",
    [
        {}, None, "denoiser", {"kind": "other", "config": {}}, {"kind": "denoiser"}, {"kind": [], "config": {}},
        *[{"kind": "denoiser", "config": config} for config in (
            None, [], {"width": 16}, {"width": 7}, {"width": 0}, {"width": -8}, {"width": "x"}, {"depth": 3},
        )],
    ],
    ids=str,
)  # fmt: skip
def test_a_card_of_another_network_is_told_in_a_sentence(saved, network):
    folder, _ = saved
    card = json.loads((folder / "prior.json").read_text())
    (folder / "prior.json").write_text(json.dumps({**card, "network": network}))
    with pytest.raises(UserError, match="does not fit its weights; get it again"):
        load_checkpoint("prior", folder)


def test_weights_that_are_not_safetensors_are_told_even_if_the_hash_fits(saved):
    folder, _ = saved
    card = json.loads((folder / "prior.json").read_text())
    for content in (b"", b"PK\3\4 pickle", (2**62).to_bytes(8, "little") + b"{}"):
        (folder / "prior.safetensors").write_bytes(content)
        card["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / "prior.json").write_text(json.dumps(card))
        with pytest.raises(UserError, match="does not fit its weights"):
            load_checkpoint("prior", folder)


@pytest.mark.parametrize("name", ["other", "", "../prior", "/etc/passwd"])
def test_an_unknown_name_is_told_with_those_that_there_are(saved, name):
    folder, _ = saved
    with pytest.raises(UserError, match="there is no checkpoint .*choose one of prior"):
        load_checkpoint(name, folder)


def test_without_any_checkpoint_it_says_how_to_get_one(tmp_path):
    with pytest.raises(UserError, match="there is no checkpoint 'prior' .*mrilab train"):
        load_checkpoint("prior", tmp_path)


def test_too_large_a_network_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="more than 8 MB"):
        save_checkpoint("prior", Denoiser(width=40), FACTS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_card_without_its_facts_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lacks data, seeds, minutes, metrics"):
        save_checkpoint("prior", Denoiser(width=8), {"steps": 1}, tmp_path)
    assert list(tmp_path.iterdir()) == []
