"""The documentation site: links into the code, the help of commands, a build without warnings."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from codec.cli import COMMANDS
from scripts.release import site

ROOT = Path(__file__).parents[2]
NEEDED = ("mkdocs", "material", "mkdocstrings_handlers")
INSTALLED = all(importlib.util.find_spec(name) for name in NEEDED)


def linked(text: str, origin: str) -> str:
    return site.LINK.sub(lambda found: site._link(found, origin), text)


def test_links_lead_to_pages_of_the_site(monkeypatch):
    monkeypatch.delenv(site.REPOSITORY_VARIABLE, raising=False)
    text = (
        "[a](../FORMAT.md#8-prior) [b](memory.md) [c](../codec/info.py) "
        "![d](../results/0.1.0/x.png)"
    )
    expected = "[a](format.md#8-prior) [b](memory.md) c ![d](results/0.1.0/x.png)"
    assert linked(text, "docs/effort.md") == expected
    assert linked("[e](docs/memory.md) [f](#here)", "FORMAT.md") == "[e](memory.md) [f](#here)"
    monkeypatch.setenv(site.REPOSITORY_VARIABLE, "https://forge.example/n")
    code = "[c](https://forge.example/n/blob/main/codec/info.py)"
    assert linked("[c](../codec/info.py)", "docs/effort.md") == code


def test_all_commands_have_their_help():
    text = site.commands()
    for name in COMMANDS:
        assert f"\n## nncodec {name}\n" in text
    assert "### nncodec weights pack\n" in text and "--target-size" in text


def test_navigation_has_every_document():
    listed = re.findall(r"^ +- .*?([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M)
    documents = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert {*listed} == documents | {*site.PAGES.values()}


class Links(HTMLParser):
    """What a page names by href and src, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag != "link" or values.get("rel") != "canonical":
            self.fetched += [values[name] for name in ("src", "href") if values.get(name)]


def check_links(folder: Path) -> None:
    """Every link leads to a page or file of the site, and every anchor to a place in it."""
    pages = {path: Links(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    assert len(pages) > 20
    for path, page in pages.items():
        own = f"http://site/{path.relative_to(folder).as_posix().removesuffix('index.html')}"
        for link in page.fetched:
            assert urljoin(own, link).startswith(("http://site/", "data:")), (path, link)
        if path.name == "404.html":  # its links are those of the address where the site will be
            continue
        for link in page.links:
            target, anchor = urldefrag(urljoin(own, link))
            if not target.startswith("http://site/"):
                continue
            file = folder / unquote(target.removeprefix("http://site/"))
            file = file / "index.html" if file.is_dir() else file
            assert file.exists(), (path, link)
            if anchor and file in pages and not anchor.startswith("__"):
                assert unquote(anchor) in pages[file].anchors, (path, link)


@pytest.mark.skipif(not INSTALLED, reason="the extra docs is not installed")
def test_the_site_is_built_without_warnings_and_its_links_lead_somewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    check_links(tmp_path)
