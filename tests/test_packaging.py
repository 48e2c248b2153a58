"""What a package index is told, and which systems there are wheels for."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def build_module(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def readme():
    return build_module("hatch_readme")


def test_links_of_the_readme_lead_to_the_repository(readme):
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", readme.absolute(text, "https://forge.example/n", "v1"))
    assert links and all(link.startswith(("https://", "#")) for link in links)
    for link in links:
        path = re.fullmatch(r"https://forge\.example/n/(?:blob|raw)/v1/([^#]+)(?:#.*)?", link)
        assert path is None or (ROOT / path[1]).exists(), link


def test_without_a_repository_no_link_is_relative(readme):
    text = "![plot](a.png) [a](b.md) [`c`](d) [e](https://f.example) [g](#h)"
    assert readme.absolute(text, "", "v1") == " a `c` [e](https://f.example) [g](#h)"
    full = readme.absolute((ROOT / "README.md").read_text("utf-8"), "", "v1")
    assert not re.findall(r"\]\((?!https://|#)", full)


def test_project_urls(readme):
    assert readme.metadata_of("", "1.2", "")["urls"] == {}
    urls = readme.metadata_of("", "1.2", "https://forge.example/n/")["urls"]
    assert urls["Changelog"] == "https://forge.example/n/blob/v1.2/CHANGELOG.md"
    assert urls["Homepage"] == "https://forge.example/n"


def test_extras():
    extras = PROJECT["optional-dependencies"]
    assert {"encode", "dask", "bench", "train", "compressai", "all", "docs"} <= extras.keys()
    (everything,) = extras["all"]
    assert everything == "nncodec-image[encode,dask,bench,train]"


def test_wheels_are_for_three_systems():
    build = build_module("hatch_build")
    tags = {target.tag for target in build.TARGETS.values()}
    assert tags == {
        *("manylinux2014_x86_64", "manylinux2014_aarch64"),
        *("macosx_11_0_x86_64", "macosx_11_0_arm64", "win_amd64", "win_arm64"),
    }
    for target in build.TARGETS.values():
        glibc = re.search(r"gnu\.2\.(\d+)$", target.zig)  # manylinux2014 is glibc 2.17
        assert ("manylinux2014" in target.tag) == (glibc is not None and int(glibc[1]) <= 17)
        macos = re.search(r"macos\.(\d+)\.", target.zig)
        assert (macos[1] if macos else None) == (
            re.search(r"macosx_(\d+)_", target.tag)[1] if "macosx" in target.tag else None
        )
