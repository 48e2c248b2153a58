"""The commands `nncodec weights`: a walk through all of them, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file


@pytest.fixture(autouse=True)
def nets(folder: Path) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    old = {
        "conv.weight": rng.normal(0, 0.1, (16, 8, 3, 3)).astype(np.float32),
        "conv.bias": rng.normal(0, 0.1, 16).astype(np.float32),
    }
    save_file(old, "old.safetensors")
    new = old | {"conv.bias": old["conv.bias"] * np.float32(1.1)}
    save_file(new, "new.safetensors")
    return new


def weights(run, line: str):
    return run("weights", *line.split())


def assert_one_line(result, start: str) -> None:
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"nncodec: {start}")


def test_pack_and_unpack(run, nets):
    result = weights(run, "pack --step 0.05 new.safetensors new.bin")
    size, whole = Path("new.bin").stat().st_size, Path("new.safetensors").stat().st_size
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"new.safetensors -> new.bin  {size:,} B  {size / whole:.1%}\n"
    result = weights(run, "unpack new.bin back.safetensors")
    assert result.stderr == "new.bin -> back.safetensors  2 tensors\n"
    for name, tensor in load_file("back.safetensors").items():
        assert np.abs(tensor - nets[name]).max() < 0.02


def test_streams(run):
    packed = run("weights", "pack", "-", "-", stdin=Path("new.safetensors").read_bytes())
    back = run("weights", "unpack", "--quiet", "-", "-", stdin=packed.stdout_bytes)
    assert back.exit_code == 0
    weights(run, "pack new.safetensors new.bin")
    weights(run, "unpack new.bin back.safetensors")
    assert back.stdout_bytes == Path("back.safetensors").read_bytes()


@pytest.mark.parametrize(("target", "limit"), [("900", 900), ("1K", 1000), ("0001k", 1000)])
def test_target_size(run, target, limit):
    assert weights(run, f"pack --target-size {target} new.safetensors new.bin").exit_code == 0
    assert 0.95 * limit < Path("new.bin").stat().st_size <= limit


def test_base(run, nets):
    result = weights(run, "pack --base old.safetensors new.safetensors change.bin")
    assert result.exit_code == 0
    assert Path("change.bin").stat().st_size < 120
    assert weights(run, "unpack --base old.safetensors change.bin back.safetensors").exit_code == 0
    back = load_file("back.safetensors")
    np.testing.assert_array_equal(back["conv.weight"], nets["conv.weight"])
    assert_one_line(weights(run, "unpack change.bin x.safetensors"), "change.bin: needs its base")
    other = "unpack --base new.safetensors change.bin x.safetensors"
    assert_one_line(weights(run, other), "change.bin: belongs to another base")
    assert not Path("x.safetensors").exists()


def test_options_reach_the_packer(run):
    sizes = {}
    for options in ("", "--spread 1", "--prune 0.9", "--rank 2 --step 2"):
        assert weights(run, f"pack -f {options} new.safetensors new.bin").exit_code == 0
        sizes[options] = Path("new.bin").read_bytes()
    assert len(set(sizes.values())) == 4
    assert len(sizes["--prune 0.9"]) < 0.5 * len(sizes[""])
    result = weights(run, "pack -f --fold new.safetensors new.bin")
    assert_one_line(result, "new.safetensors: has no batch norm to fold")


def test_info(run):
    weights(run, "pack new.safetensors new.bin")
    facts = json.loads(weights(run, "info --json new.bin").stdout)
    size = Path("new.bin").stat().st_size
    assert list(facts) == ["bytes", "values", "bits_per_value", "base", "tensors"]
    assert (facts["bytes"], facts["values"], facts["base"]) == (size, 1168, None)
    bias, kernel = facts["tensors"]
    assert (bias["name"], kernel["name"]) == ("conv.bias", "conv.weight")
    assert (kernel["dtype"], kernel["shape"], kernel["coding"]) == ("F32", [16, 8, 3, 3], "trellis")
    assert kernel["step"] == pytest.approx(0.1 * 0.6 * 0.1, rel=0.1)
    assert sum(row["bytes"] for row in facts["tensors"]) == pytest.approx(size, abs=70)
    lines = weights(run, "info new.bin").stdout.splitlines()
    assert lines[1] == "values              1168"
    assert lines[-1].endswith("trellis  F32   conv.weight 16x8x3x3")


@pytest.mark.parametrize("command", ["pack new.safetensors", "unpack new.bin"])
def test_outputs_are_not_overwritten(run, command):
    weights(run, "pack new.safetensors new.bin")
    Path("taken").write_bytes(b"old")
    assert_one_line(weights(run, f"{command} taken"), "taken: exists already; use -f")
    assert Path("taken").read_bytes() == b"old"
    assert weights(run, f"{command} -f taken").exit_code == 0


def test_more_values_than_suit_the_length_are_asked_for(run):
    save_file({"w": np.zeros(1 << 21, np.float32)}, "zeros.safetensors")
    assert weights(run, "pack zeros.safetensors zeros.bin").exit_code == 0
    for command in ("unpack zeros.bin x", "info zeros.bin"):
        result = weights(run, command)
        assert_one_line(result, "zeros.bin: takes the work of more than 1,04")
        assert "--max-values" in result.stderr
    assert weights(run, "info --max-values 2097152 zeros.bin").exit_code == 0
    assert weights(run, "unpack --max-values 2097152 zeros.bin x").exit_code == 0
    assert not load_file("x")["w"].any()


def test_bad_input_leaves_no_output(run):
    weights(run, "pack new.safetensors new.bin")
    Path("cut.bin").write_bytes(Path("new.bin").read_bytes()[:-9])
    cases = {
        "pack photo.png x": "photo.png: is not a safetensors file: ",
        "pack no x": "no: No such file or directory",
        "pack --base photo.png new.safetensors x": "photo.png: is not a safetensors file: ",
        "unpack photo.bin x": "photo.bin: not a packed weight file",
        "unpack cut.bin x": "cut.bin: damaged or cut short",
        "info cut.bin": "cut.bin: damaged or cut short",
        "pack --target-size 9 new.safetensors x": "new.safetensors: cannot be packed in 9 bytes",
    }
    for command, message in cases.items():
        assert_one_line(weights(run, command), message)
        assert not Path("x").exists()


@pytest.mark.parametrize(
    "options",
    [
        "--step 0",
        "--step -1",
        "--step 1 --target-size 9K",
        "--target-size 9X",
        "--target-size 0",
        "--spread 2",
        "--prune 1",
        "--rank -1",
    ],
)
def test_usage_errors(run, options):
    assert weights(run, f"pack {options} new.safetensors new.bin").exit_code == 2
    assert not Path("new.bin").exists()


@pytest.mark.parametrize("command", [[], ["pack"], ["unpack"], ["info"]])
def test_help_begins_with_examples(run, command):
    assert run("weights", *command, "-h").stdout.startswith("Examples:\n  nncodec weights ")
