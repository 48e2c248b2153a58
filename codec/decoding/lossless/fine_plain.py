"""The scan over the bits beyond the first eight in plain Python, where there is no kernel."""

from __future__ import annotations

from bitstream.coding import mixing
from bitstream.coding.binary_coder import BinaryCoder, BinaryDecoder, BinaryEncoder
from codec.decoding.lossless.fine_scan import (
    ACROSS,
    CERTAINTIES,
    FRACTION,
    NEAR,
    SCALES,
    SIDES,
    STEPS,
    VOICES,
    WEIGHT_BITS,
    FineScan,
    Planes,
)
from codec.networks import patience

MOST_MOVE, MOST_ERROR = 1 << 21, 1 << 20
MIDDLE_SIDE, THIRDS = SIDES // 2, SIDES // 3
CERTAIN_FROM = (2, 8, 64)
MOVE_SHIFT = WEIGHT_BITS - FRACTION.bit_length() + 1


def encode(scan: FineScan, wanted: Planes) -> bytes:
    """A codeword of the bits [channel h w] of all values."""
    coder = BinaryEncoder()
    _walk(scan, coder, wanted)
    return coder.finish()


def decode(scan: FineScan, codeword: bytes) -> None:
    """Fills in the values of a scan.

    Raises:
        Truncated: the codeword ends too early for them.
    """
    _walk(scan, BinaryDecoder(codeword), None)


def _walk(scan: FineScan, coder: BinaryCoder, wanted: Planes | None) -> None:
    channels, height, width = scan.values.shape
    for row in range(height):
        patience.check()
        for column in range(width):
            near = [
                (min(max(row + i, 0), height - 1), min(max(column + j, 0), width - 1))
                for i, j in NEAR
            ]
            for channel in range(channels):
                place = _Place(scan, channel, (row, column), near)
                bits = 0 if wanted is None else int(wanted[channel, row, column])
                place.settle(_code_value(scan, coder, channel, place, bits))


class _Place:
    """What is known of a value before it is coded: two predictions, and three scales of errors."""

    def __init__(
        self, scan: FineScan, channel: int, at: tuple[int, int], near: list[tuple[int, int]]
    ) -> None:
        self._scan, self._channel, self._at = scan, channel, at
        values, errors = scan.values, scan.errors
        own = [int(values[channel][place]) for place in near]
        middle = int(values[channel][at])
        self.least = middle - (1 << scan.bits - 1)
        seen = [value - middle for value in own]
        for other in values[:channel]:
            known = int(other[at])
            lowest = known >> scan.bits << scan.bits
            around = [known, *(int(other[near[n]]) for n in ACROSS)]
            seen += [value - lowest - (1 << scan.bits - 1) for value in around]
        start = sum(len(NEAR) + (1 + len(ACROSS)) * c for c in range(channel))
        weights = scan.weights[start : start + len(seen)].tolist()
        total = sum(weight * value for weight, value in zip(weights, seen, strict=True))
        move = (total + (1 << MOVE_SHIFT - 1)) >> MOVE_SHIFT
        west, corner, north = own[:3]
        if channel:
            green = values[0]
            beside = west - int(green[near[0]]) + north - int(green[near[2]])
            second = FRACTION * int(green[at]) + FRACTION // 2 * beside
        else:
            plane = west + north - corner
            second = FRACTION * sorted((west, north, plane))[1]
        self.means = (FRACTION * middle + min(max(move, -MOST_MOVE), MOST_MOVE), second)
        scales = []
        for m in range(2):
            found = [int(errors[channel, m][place]) for place in near]
            sides = 2 * (found[0] + found[2]) + found[1] + found[3]
            rest = 2 * int(errors[channel - 1, m][at]) if channel else found[4] + found[5]
            scales.append((sides + rest) >> 3)
        first = [int(errors[channel, 0][near[n]]) for n in (0, 2)]
        before = [int(errors[c, 0][at]) for c in reversed(range(channel))]
        one, two = [*before, *first][:2]
        self.scales = (*scales, (one + two) >> 1)

    def settle(self, value: int) -> None:
        """Takes the value, and the errors of its predictions."""
        self._scan.values[self._channel][self._at] = value
        for errors, mean in zip(self._scan.errors[self._channel], self.means, strict=True):
            errors[self._at] = min(abs(FRACTION * value - mean), MOST_ERROR)


def _code_value(scan: FineScan, coder: BinaryCoder, channel: int, place: _Place, bits: int) -> int:
    """Codes the bits of a value, the first first, and returns the value."""
    contexts = scan.contexts[channel].reshape(VOICES - 1, SCALES * SIDES)
    nodes, mixes = scan.nodes[channel], scan.mixes[channel].reshape(SCALES, CERTAINTIES, VOICES)
    value, (mean, second) = place.least, place.means
    for n in reversed(range(scan.bits)):
        middle = FRACTION * (value + (1 << n)) - FRACTION // 2
        scales = [_scale_class(scale, n) for scale in place.scales]
        side, side_1, side_2 = (
            _side(each, middle, scale)
            for each, scale in zip((mean, second, mean), place.scales, strict=True)
        )
        both = (scales[0] // 4 * THIRDS + side // 3) * THIRDS + side_1 // 3
        node = 1 << (7 + scan.bits - n) | value >> n + 1
        spots = [
            (contexts[0], scales[0] * SIDES + side),
            (contexts[1], scales[2] * SIDES + side_2),
            (contexts[2], scales[1] * SIDES + side_1),
            (contexts[3], both),
            (nodes, node),
        ]
        states = [int(array[index]) for array, index in spots]
        seen = states[-1] & (1 << mixing.COUNT_BITS) - 1
        mix = mixes[scales[0], sum(seen >= least for least in CERTAIN_FROM)]
        heard = [int(mixing.STRETCH[state >> 20]) for state in states]
        weights = mix.tolist()
        probability = mixing.mixed(heard, weights)
        bit = coder.choose(bits >> n & 1, probability)
        mix[:] = mixing.learned(heard, weights, probability, bit)
        for number, ((array, index), state) in enumerate(zip(spots, states, strict=True)):
            is_node = number == VOICES - 1
            most = mixing.MOST_COUNT_OF_NODES if is_node else mixing.MOST_COUNT
            array[index] = mixing.adapted(state, bit, most)
        value += bit << n
    return value


def _scale_class(scale: int, bit: int) -> int:
    """A scale relative to what a bit decides, in quarters of an octave."""
    whole = (scale + 1).bit_length() - 1
    quarters = 4 * whole + ((scale + 1 << 2 >> whole) & 3)
    return min(max(quarters - 4 * (bit + 4) + SCALES // 2, 0), SCALES - 1)


def _side(mean: int, middle: int, scale: int) -> int:
    """On which side of a middle a mean is, and how far."""
    quarters = 4 * abs(mean - middle) // (scale + 1)
    step = max(index for index, least in enumerate(STEPS) if least <= quarters)
    return MIDDLE_SIDE + (step if mean > middle else -step)
