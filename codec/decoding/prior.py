"""Updates of the prior: wider or narrower distributions of the latents, for one picture.

The context model says the logarithm of every latent's scale, relative to that of its channel.  An
update of the prior gives each channel a gain of that number and an offset,

    log2 scale = gain * (what the networks say) + offset + (what is usual for the channel),

in the coordinates of a subspace that ships with the model (`codec.models.subspace`): a column with
the changes of all gains, then of all offsets.  What is coded, and hence the picture, stays the
same.
"""

from __future__ import annotations

from bitstream import InvalidField
from bitstream.update import subspace
from bitstream.update.subspace import SubspacePayload
from codec.models.kinds import FilteredModel, LearnedModel
from codec.models.subspace import Subspace
from codec.networks.integers import BoundError, Scales


def pack(payload: SubspacePayload, model: FilteredModel) -> bytes:
    """Levels -> a PRIOR payload."""
    return subspace.pack(payload, prior_of(model).scales, model.tables)


def apply(data: bytes, model: FilteredModel) -> Scales:
    """The scales that a PRIOR payload asks for.

    Raises:
        FormatError: no encoder writes such data, or the model has no updates of its prior.
    """
    prior = prior_of(model)
    payload = subspace.unpack(data, prior.scales, model.tables)
    kernel, bias = (moves[:, 0] for moves in prior.moves(payload))
    channels = len(kernel) // 2
    try:
        return Scales.plain(channels).plus(kernel[:channels], bias[channels:])
    except BoundError as error:
        raise InvalidField(f"the update of the prior leaves the exact range: {error}") from error


def prior_of(model: FilteredModel) -> Subspace:
    """The subspace that updates of a model's prior live in.  Raises InvalidField: it has none."""
    if not isinstance(model, LearnedModel) or model.prior is None:
        raise InvalidField(f"model {model.name} has no prior that an update could change")
    return model.prior
