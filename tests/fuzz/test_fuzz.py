"""A short, reproducible run of the fuzzer, and every input that ever failed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitstream import Container, FormatError
from scripts.conform.fuzz import CRASHES, DECODED, FAILURES, Fuzzer
from scripts.conform.inputs import TARGETS
from scripts.conform.mutations import repaired

INPUTS = 510
CRASH_FILES = sorted(CRASHES.glob("*.bin"))


@pytest.fixture(scope="module")
def fuzzer() -> Fuzzer:
    with pytest.MonkeyPatch.context() as patch:
        # The fuzzer sets this variable; the context restores it.
        patch.setenv("NNCODEC_MODELS", "")
        yield Fuzzer(seed=0)


def test_inputs_are_refused_or_decoded(fuzzer):
    outcomes = [fuzzer.run(number) for number in range(INPUTS)]
    assert [found for found in outcomes if found.kind in FAILURES] == []
    # Every target saw inputs on which it came to its end, and some on which it did not.
    for target in TARGETS:
        kinds = {found.kind for found in outcomes if found.target == target}
        assert DECODED in kinds and len(kinds) > 1


def test_inputs_follow_from_the_seed(fuzzer):
    again = Fuzzer(seed=0)
    assert [fuzzer.make(number) for number in range(40)] == [
        again.make(number) for number in range(40)
    ]


@pytest.mark.parametrize("path", CRASH_FILES, ids=lambda path: path.stem)
def test_inputs_that_once_failed(fuzzer, path):
    target = path.stem.partition("-")[0]
    fuzzer.feed(target, path.read_bytes())


@given(st.binary(max_size=80), st.booleans())
@example(b"", False)
def test_containers_of_any_bytes(data, sealed):
    file = repaired(data) if sealed else data
    try:
        container = Container.unpack(file)
    except FormatError:
        return
    # What is accepted says the same when written again, but for chunks that nobody knows.
    assert Container.unpack(container.pack()) == container
