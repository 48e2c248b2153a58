"""The registry of weight-update techniques, and that each one's file decodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bitstream import InvalidField
from bitstream.coding.trellis import reconstruct
from bitstream.update import levels as levels_payload
from bitstream.update.levels import UpdatePayload
from bitstream.update.methods import Method
from codec.contract import techniques as registry
from codec.contract.techniques import Technique, parse, techniques
from codec.decoding import update
from codec.decoding.parameters import ChannelScales, Cosine, Kernels, LowRank
from codec.encoding.updates import trellis
from codec.encoding.updates.fit import descend
from codec.encoding.updates.last_layer import fit_kernels, fit_low_rank
from codec.encoding.updates.normal import NormalEquations
from codec.encoding.updates.relaxed import relaxed
from codec.networks.config import FilterConfig
from codec.networks.export import arrays_of, quantize_model
from codec.networks.integers import FilterLayers
from codec.networks.learned import FilterModel
from codec.networks.twins import build_float, build_integer, changed
from scripts.train.meta_losses import normal_equations

PARAMETERS = {
    Method.KERNELS: Kernels(),
    Method.SCALES: ChannelScales(),
    Method.LOW_RANK: LowRank(),
    Method.COSINE: Cosine(),
}


class Released:
    """What `update` asks of a model: the integers of a post-filter."""

    def __init__(self, filter_layers):
        self.filter_layers = filter_layers


@pytest.fixture(scope="module")
def networks():
    """A random float post-filter, the numbers of its layers, and its integer twin."""
    torch.manual_seed(3)
    model = FilterModel(FilterConfig((8,)))
    with torch.no_grad():
        model.postfilter.leave.weight.normal_(0, 0.05)
        for layer in ("enter", "middle", "leave"):
            getattr(model.postfilter, layer).bias.normal_(0, 0.1)
    limits = {f"postfilter.{layer}": 4096 for layer in ("enter", "middle", "leave")}
    tensors = quantize_model(model, limits)
    return (
        build_float(model.config, tensors).postfilter,
        FilterLayers.of_arrays(arrays_of(tensors)),
        build_integer(model.config, tensors).postfilter,
    )


def random_payload(parameters, postfilter, shifts, seed=0):
    rng = np.random.default_rng(seed)
    levels = []
    for tensor in parameters.layout(postfilter):
        shape = (tensor.rows, tensor.columns)
        drawn = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.5)
        levels.append(drawn.astype(np.int32))
    return UpdatePayload(shifts, tuple(levels))


# ---------------------------------------------------------------------------- the registry


def test_every_technique_has_a_method_and_a_loss_that_exist():
    assert registry.DEFAULT in techniques()
    for technique in techniques().values():
        assert technique.parameters.upper() in Method.__members__
    assert {t.parameters for t in techniques().values()} == set(registry.PARAMETERS)
    assert {t.loss for t in techniques().values()} == {None, *registry.LOSSES}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\ntitle = "A"\nparameters = "kernels"\nsteps = 3', "unknown key 'steps'"),
        ('[a]\ntitle = "A"', "'parameters' is missing"),
        ('[a]\ntitle = "A"\nparameters = "pixels"', "parameters 'pixels'"),
        ('[a]\ntitle = "A"\nparameters = "subspace"\nloss = "rate"', "parameters 'subspace'"),
        ('[a]\ntitle = "A"\nparameters = "cosine"', "parameters 'cosine'"),
        ('[a]\ntitle = "A"\nparameters = "kernels"\nloss = "l7"', "unknown loss 'l7'"),
        ('[a]\ntitle = "A"\nparameters = "kernels"\nchanges = "biases"', "change 'biases'"),
        ('[none]\ntitle = "A"\nparameters = "kernels"', "none is not a table"),
        ("a = 3", "a is not a table"),
        ("[a", "a"),
    ],
)
def test_a_table_that_is_wrong_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_table_that_is_right_is_read():
    found = parse('[a]\ntitle = "A"\nparameters = "kernels"\nloss = "rate"\nchanges = "biases"')
    assert found == {"a": Technique("a", "A", "kernels", "rate", "biases")}


# ------------------------------------------------------------------ the decoder's integer maps


@pytest.mark.parametrize(
    "method", [Method.KERNELS, Method.SCALES, Method.COSINE], ids=lambda method: method.name
)
def test_the_integer_change_is_the_float_one_rounded(networks, method):
    smooth, integer, _ = networks
    parameters = PARAMETERS[method]
    shifts = (2, 5, 3)[: len(parameters.unit_bits)]
    payload = random_payload(parameters, integer, shifts)
    values = [
        torch.from_numpy(levels) * 2.0 ** (shifts[t.group] - parameters.unit_bits[t.group])
        for levels, t in zip(payload.levels, parameters.layout(integer), strict=True)
    ]
    exact = parameters.changes(payload, integer)
    wanted = relaxed(parameters, values, smooth)
    assert exact.keys() == wanted.keys()
    assert any(kernel.any() and bias.any() for kernel, bias in exact.values())
    for name, (kernel, bias) in exact.items():
        assert kernel.dtype == bias.dtype == np.int64
        wanted_kernel, wanted_bias = (part.numpy(force=True) for part in wanted[name])
        assert np.abs(kernel - wanted_kernel * 2**11).max() < 0.501
        assert np.abs(bias - wanted_bias * 2**19).max() < 0.501


@pytest.mark.parametrize("method", PARAMETERS, ids=lambda method: method.name)
def test_bytes_of_levels_become_the_changed_filter(networks, method):
    _, integer, postfilter = networks
    parameters = PARAMETERS[method]
    payload = random_payload(parameters, integer, (2, 3, 4)[: len(parameters.unit_bits)])
    data = update.pack(method, payload, Released(integer))
    assert data[0] == method
    found = update.apply(data, Released(integer))
    expected = update.changed(integer, parameters.changes(payload, integer))
    x = torch.randint(-2000, 2000, (1, 3, 16, 20)).float()
    for got, wanted in zip(found, expected, strict=True):
        assert np.array_equal(got.weight, wanted.weight) and np.array_equal(got.bias, wanted.bias)
    assert not torch.equal(changed(postfilter, found)(x, 30), postfilter(x, 30))


@pytest.mark.parametrize("method", PARAMETERS, ids=lambda method: method.name)
def test_a_change_beyond_the_exact_range_is_refused(networks, method):
    _, integer, _ = networks
    parameters = PARAMETERS[method]
    payload = random_payload(parameters, integer, (15,) * len(parameters.unit_bits))
    for levels in payload.levels:
        levels[:] = 2**15 - 1
    data = update.pack(method, payload, Released(integer))
    with pytest.raises(InvalidField, match="exact range"):
        update.apply(data, Released(integer))


def test_a_low_rank_change_is_a_product(networks):
    _, integer, _ = networks
    payload = random_payload(LowRank(), integer, (3,))
    left, right = (levels.astype(np.int64) for levels in payload.levels)
    kernel, bias = LowRank().changes(payload, integer)["leave"]
    product = np.einsum("rm,rn->mn", left, right) * 2**3
    assert np.array_equal(kernel, product[:, :-1].reshape(kernel.shape))
    assert np.array_equal(bias, product[:, -1] * 2**8)
    assert kernel.any() and bias.any()


def test_the_cosine_basis_is_orthonormal_and_fixed():
    basis = Cosine().basis
    assert basis.tolist()[0] == [5461] * 9
    assert basis.tolist()[1] == [6689, 0, -6689] * 3
    gram = basis @ basis.T / 2**28
    assert np.abs(gram - np.eye(9)).max() < 1e-3


# ------------------------------------------------------------------------------ the trellis


def test_the_trellis_reconstructs_by_its_states():
    # States 0 -1-> 2 -1-> 3 -0-> 6 -2-> 3 -(-1)-> 4, by the table of ISO/IEC 15938-17.
    levels = np.array([[1, 1, 0], [2, -1, 3]], np.int32)
    assert reconstruct(levels).tolist() == [[2, 2, 0], [4, -1, 6]]


def test_viterbi_finds_the_best_of_all_sequences():
    rng = np.random.default_rng(5)
    targets, costs = rng.normal(0, 3, 5), np.cumsum(rng.random((8, 5)) * 2, 0)
    levels, _ = trellis.quantize_row(targets, 0.7, costs, 0)

    def loss(candidate):
        multiples = reconstruct(np.array([candidate], np.int32))[0]
        bits = costs[np.abs(candidate), np.arange(5)].sum()
        return 0.7 * np.square(multiples - targets).sum() + bits

    grids = np.meshgrid(*[np.arange(-4, 5)] * 5)
    everything = np.stack([grid.ravel() for grid in grids], 1)[::7]
    assert all(loss(levels) <= loss(other) + 1e-9 for other in everything[:6000])


# --------------------------------------------------------------------------- the closed forms


@pytest.fixture(scope="module")
def normal():
    """Equations of an image whose last layer should have changed along one output direction."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 28, 24, 24, generator=generator)
    kernel = torch.zeros(12, 28, 3, 3)
    kernel[:, 3, 1, 1] = torch.linspace(-1, 1, 12) / 4
    errors = torch.nn.functional.conv2d(features, kernel, padding=1)
    return normal_equations(features, errors + 0.01 * torch.randn(errors.shape))


def gain_of(normal, change):
    kernel, bias = change["leave"]
    matrix = np.concatenate([kernel.reshape(12, -1).T / 2**11, bias[None] / 2**19])
    return normal.gain(matrix) / normal.energy


@pytest.mark.parametrize("kind", ["kernels", "low-rank"])
def test_a_closed_form_finds_a_sparse_change(networks, normal, kind):
    _, integer, _ = networks
    weight = 40 / normal.energy
    if kind == "kernels":
        parameters, payload = Kernels(), fit_kernels(normal, integer, 30 * weight)
    else:
        parameters, payload = LowRank(), fit_low_rank(normal, 30 * weight)
    assert gain_of(normal, parameters.changes(payload, integer)) > 0.9
    assert len(levels_payload.pack(payload, parameters.layout(integer))) < 60


def test_a_closed_form_sends_nothing_where_nothing_pays(networks, normal):
    _, integer, _ = networks
    assert fit_kernels(normal, integer, 1 / normal.energy) is None
    assert fit_low_rank(normal, 1 / normal.energy) is None


def test_descent_reaches_the_rounded_optimum_of_a_diagonal_problem():
    gram = np.diag([4.0, 9.0, 1.0])
    cross = gram @ np.array([[2.0, -3.0], [0.0, 5.0], [0.4, 7.0]])
    levels, saving = descend(gram, cross, np.zeros((128, 3, 2)), np.zeros((3, 2)))
    assert levels.tolist() == [[2, -3], [0, 5], [0, 7]]
    equations = NormalEquations(gram, cross, 0.0, 1)
    assert saving == pytest.approx(equations.gain(levels))
