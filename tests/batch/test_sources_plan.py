"""From names to files, and from files to outputs."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bitstream import MAGIC
from bitstream.carriers import avif, jpeg, webp
from codec.batch.plan import Outputs, Step, plan
from codec.batch.results import Failed, Skipped
from codec.batch.sources import Source, find, is_coded, is_enhanced
from codec.picture.formats import is_picture_name


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a/b.png", "a/c/d.JPG", "a/c/notes.txt", "a/.cache/e.png", "a/.f.png", "g.png"):
        touch(name)
    return tmp_path


def touch(name: str, content: bytes = b"", time: int | None = None) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)
    if time is not None:
        os.utime(name, (time, time))


def pictures(*names: str, recursive: bool = True, avoid: str | None = None) -> list:
    return list(find(names, is_picture_name, recursive=recursive, avoid=avoid))


def planned(*names: str, **options: object) -> list:
    return list(plan(pictures(*names), Outputs(".nni", **options)))


def test_folders_are_searched_in_order():
    assert pictures("g.png", "a") == [
        Source("g.png", Path("g.png")),
        Source("a/b.png", Path("b.png")),
        Source("a/c/d.JPG", Path("c/d.JPG")),
    ]


def test_files_that_are_named_count_whatever_their_name():
    assert pictures("a/c/notes.txt", "missing") == [
        Source("a/c/notes.txt", Path("notes.txt")),
        Source("missing", Path("missing")),
    ]


def test_folders_need_recursion():
    assert pictures("a", recursive=False) == [
        Failed("a", "a: Is a directory; -r works on what is in it")
    ]


def test_a_folder_without_pictures_is_a_failure():
    Path("empty").mkdir()
    assert pictures("empty") == [Failed("empty", "empty: holds no file to work on")]


def test_links_to_folders_are_not_followed():
    Path("a/c/up").symlink_to("..")
    Path("a/z.png").symlink_to("../g.png")
    assert [source.name for source in pictures("a")] == ["a/b.png", "a/z.png", "a/c/d.JPG"]


def test_the_folder_of_outputs_is_not_searched():
    touch("a/out/b.png")
    assert [source.name for source in pictures("a", avoid="a/out")] == ["a/b.png", "a/c/d.JPG"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read any folder")
def test_a_folder_that_cannot_be_read_is_a_failure():
    Path("a/c").chmod(0)
    assert pictures("a")[-1] == Failed("a/c", "a/c: Permission denied")


def test_coded_files_are_known_by_name_or_by_content():
    touch("x.bin", MAGIC + b"...")
    touch("cut.nni")
    touch("y.bin", b"...")
    assert [is_coded(Path(name)) for name in ("x.bin", "cut.nni", "y.bin", "no")] == [
        True,
        True,
        False,
        False,
    ]


def test_standard_files_are_coded_if_they_carry_a_payload():
    for name, carrier in (("JPEG", jpeg), ("WEBP", webp), ("AVIF", avif)):
        file = BytesIO()
        Image.new("RGB", (8, 8)).save(file, name)
        touch("plain", file.getvalue())
        touch("enhanced", carrier.insert(file.getvalue(), b"payload"))
        touch("broken", file.getvalue()[:20])
        found = [is_coded(Path(name)) for name in ("plain", "enhanced", "broken", "no")]
        assert found == [False, True, False, False]
        assert is_enhanced(Path("enhanced"))
    touch("x.nni", MAGIC)
    assert not is_enhanced(Path("x.nni"))


def test_outputs_go_beside_their_inputs():
    assert planned("g.png", "a") == [
        Step("g.png", "g.nni"),
        Step("a/b.png", "a/b.nni"),
        Step("a/c/d.JPG", "a/c/d.nni"),
    ]


def test_a_folder_of_outputs_mirrors_the_tree():
    assert planned("g.png", "a", folder="out") == [
        Step("g.png", "out/g.nni"),
        Step("a/b.png", "out/b.nni"),
        Step("a/c/d.JPG", "out/c/d.nni"),
    ]
    assert Path("out/c").is_dir()


def test_streams_stay_streams():
    assert planned("-", folder="out") == [Step("-", "-")]


def test_two_inputs_never_share_an_output():
    touch("a/b.jpg")
    steps = planned("a", force=True)
    assert Step("a/b.jpg", "a/b.nni", force=True) in steps
    assert steps[1] == Failed(
        "a/b.png",
        "a/b.nni: is the output of a/b.jpg, and cannot be that of a/b.png; "
        "-o gives that another name",
    )


def test_an_input_is_never_its_own_output():
    touch("p.nni", b"a picture, by a strange name")
    assert planned("p.nni", force=True) == [
        Failed("p.nni", f"p.nni: is the input itself; {Outputs.itself}")
    ]
    Path("link.nni").symlink_to("g.png")
    assert isinstance(planned("g.png", only="link.nni", force=True)[0], Failed)


def test_no_input_is_the_output_of_another():
    touch("g.jpg")
    steps = list(plan(pictures("g.png", "g.jpg"), Outputs(".jpg", force=True)))
    assert steps == [
        Failed("g.png", "g.jpg: is an input too"),
        Failed("g.jpg", f"g.jpg: is the input itself; {Outputs.itself}"),
    ]


def test_outputs_may_keep_the_suffix_and_replace_their_input_if_told_so():
    assert list(plan(pictures("g.png"), Outputs(mark=".plain"))) == [Step("g.png", "g.plain.png")]
    for force, kind in ((False, Failed), (True, Step)):
        outputs = Outputs(only="g.png", force=force, in_place=True)
        assert isinstance(next(plan(pictures("g.png"), outputs)), kind)


def test_outputs_that_exist_are_refused_before_any_work():
    touch("a/b.nni")
    failed, step = planned("a")
    assert failed == Failed("a/b.png", "a/b.nni: exists already; use -f to overwrite it")
    assert step == Step("a/c/d.JPG", "a/c/d.nni")
    assert planned("a", force=True)[0] == Step("a/b.png", "a/b.nni", force=True)


def test_resume_skips_what_is_newer():
    touch("a/b.png", time=100)
    touch("a/b.nni", b"something", time=200)
    assert planned("a", resume=True) == [
        Skipped("a/b.png", "a/b.nni"),
        Step("a/c/d.JPG", "a/c/d.nni"),
    ]


def test_resume_does_not_replace_what_is_older():
    """It may be anything: on decoding, the original picture."""
    touch("a/b.png", time=200)
    touch("a/b.nni", b"something", time=100)
    assert isinstance(planned("a", resume=True)[0], Failed)
    forced = planned("a", resume=True, force=True)[0]
    assert forced == Step("a/b.png", "a/b.nni", force=True)


def test_resume_replaces_what_is_empty():
    touch("a/b.png", time=100)
    touch("a/b.nni", time=200)
    assert planned("a", resume=True)[0] == Step("a/b.png", "a/b.nni", force=True)
