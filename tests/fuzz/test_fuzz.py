"""A short, reproducible run of the fuzzer, and every input that ever failed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitstream import Container, FormatError
from scripts.conform import fuzz
from scripts.conform.fuzz import CRASHES, Fuzzer
from scripts.conform.inputs import SHARES
from scripts.conform.mutations import repaired
from scripts.conform.tally import DECODED, FAILURES, Outcome, Tally

INPUTS = 40
"""Per target."""
CRASH_FILES = sorted(CRASHES.glob("*.bin"))


@pytest.fixture(scope="module")
def fuzzer() -> Fuzzer:
    with pytest.MonkeyPatch.context() as patch:
        # The fuzzer sets this variable; the context restores it.
        patch.setenv("NNCODEC_MODELS", "")
        yield Fuzzer(seed=0)


@pytest.mark.parametrize("target", SHARES)
def test_inputs_are_refused_or_decoded(fuzzer, target):
    outcomes = [fuzzer.run(target, number) for number in range(INPUTS)]
    assert [found for found in outcomes if found.kind in FAILURES] == []
    # Some inputs came to their end, and some did not.
    kinds = {found.kind for found in outcomes}
    assert DECODED in kinds and len(kinds) > 1


def test_inputs_follow_from_the_seed(fuzzer):
    again = Fuzzer(seed=0)
    for target in SHARES:
        assert [fuzzer.make(target, number) for number in range(3)] == [
            again.make(target, number) for number in range(3)
        ]


def test_a_table_is_continued_until_each_target_has_its_share(tmp_path):
    path, inputs = tmp_path / "fuzz.tsv", 1000
    seen = set()
    while found := fuzz.next_block(Tally.read(path), inputs):
        target, numbers = found
        assert seen.isdisjoint({(target, number) for number in numbers})
        seen |= {(target, number) for number in numbers}
        tally = Tally.read(path)
        kinds = (DECODED, "Truncated", "crash")
        tally.add(
            Outcome(number, target, kinds[number % 3], number / 10, 2, 500) for number in numbers
        )
        tally.write(path)
    tally = Tally.read(path)
    assert {name: tally.done(name) for name in SHARES} == {
        name: 10 * share for name, share in SHARES.items()
    }
    row = tally.rows["decode", DECODED]  # numbers 0, 3, ... 117
    figures = (row.inputs, row.slowest_s, row.most_mb, row.s_per_kb, row.mb_per_kb)
    assert figures == (40, 11.7, 2, 23.4, 4)
    assert tally.failures == sum(
        row.inputs for row in tally.rows.values() if row.outcome == "crash"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["fuzz.tsv"]


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
