"""The page in a real browser: what it shows, and what it does when it is used."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from bitstream import Tag
from codec.opening import open_file
from codec.pages.view import sites
from codec.pages.view.comparison import Entry, compare
from codec.pages.view.server import ViewServer

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(NAMES)} is installed")

USER = """
const seen = {};
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }));
const left = document.getElementById("left");
const note = (name) => {
  seen[name] = {
    left: left.alt,
    right: document.getElementById("right").alt,
    divide: document.getElementById("wipe").getAttribute("aria-valuenow"),
    clip: left.style.clipPath,
    transform: left.style.transform,
    pixels: left.className,
    zoom: document.querySelector("#zoom-choice [aria-pressed=true]")?.textContent,
    caption: document.getElementById("left-caption").textContent,
  };
};
const button = (group, text) =>
  [...document.querySelectorAll(`#${group} button`)].find((b) => b.textContent === text).click();
const select = (id, text) => {
  const choice = document.getElementById(id);
  choice.value = [...choice.options].find((option) => option.text === text).value;
  choice.dispatchEvent(new Event("input"));
};
const ready = setInterval(() => {
  if (!document.body.dataset.ready) return;
  clearInterval(ready);
  note("start");
  select("left-choice", "Without update");
  note("chosen");
  press(" ");
  note("swapped");
  for (let i = 0; i < 5; i++) press("ArrowRight");
  note("divided");
  button("zoom-choice", "400 %");
  note("zoomed");
  press("0");
  note("fitted");
  for (let i = 0; i < 99; i++) press("ArrowLeft");
  note("all right");
  seen.colours = [...document.querySelectorAll(".bar span")]
    .map((share) => getComputedStyle(share).backgroundColor);
  document.body.dataset.seen = JSON.stringify(seen);
}, 10);
"""
"""Uses the page, and writes down what it looks like in between."""


@pytest.fixture
def dom(server: ViewServer, tmp_path: Path) -> str:
    """The page after it was used."""
    return used(server, tmp_path)


def used(server: ViewServer, folder: Path) -> str:
    """The page of a server after it was used, by a browser with that folder."""
    site = server.site
    media_type, page = site("")
    script = b'<script src="user.js" type="module"></script></head>'
    added = {
        "": (media_type, page.replace(b"</head>", script)),
        "user.js": ("text/javascript", USER.encode()),
    }
    server.site = lambda path: added.get(path) or site(path)
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,800",
        "--virtual-time-budget=60000",
        f"--user-data-dir={folder}",
        "--dump-dom",
    ]
    process = subprocess.run(
        [BROWSER, *options, server.url], capture_output=True, text=True, timeout=300, check=True
    )
    return process.stdout


def test_page(dom, data):
    assert "<title>&lt;photo&gt;.nni - nncodec view</title>" in dom
    assert f"<dd>{len(data):,} B</dd>" in dom
    assert "<dd>48.13 dB</dd>" in dom
    shares = re.findall(r'<span class="(.*?)" style="flex-grow: (\d+);">', dom)
    assert [name for name, _ in shares] == ["update", "content", "header and checksum"]
    assert sum(int(size) for _, size in shares) == len(data)

    seen = json.loads(unescape(re.search(r'data-seen="(.*?)"', dom)[1]))
    assert len(set(seen.pop("colours"))) == len(shares)
    start, chosen, swapped, divided, zoomed, fitted, all_right = seen.values()
    assert (start["left"], start["right"]) == ("Original", "Decoded")
    assert (start["divide"], start["zoom"]) == ("50", "Fit")
    assert chosen["left"] == "Without update"
    assert re.fullmatch(
        r"Without update +\d+\.\d\d dB( +SSIMULACRA2 -?\d+\.\d\d)?", chosen["caption"]
    )
    assert (swapped["left"], swapped["right"]) == ("Decoded", "Without update")
    assert divided["divide"] == "60"
    assert divided["clip"] != swapped["clip"]
    assert (zoomed["zoom"], zoomed["pixels"]) == ("400 %", "pixels")
    assert "scale(4)" in zoomed["transform"]
    assert fitted["transform"] == start["transform"]
    width = re.search(r"<dd>(\d+) × \d+</dd>", dom)[1]
    assert all_right["clip"] == f"inset(0px {width}px 0px 0px)"


def test_one_picture_is_not_divided(server, data, tmp_path):
    plain = open_file(open_file(data).without(Tag.UPDATE).container.pack())
    server.site = sites.of_comparison(compare([Entry("plain.nni", plain)]))
    dom = used(server, tmp_path)
    assert re.search(r'<body [^>]*class="single"', dom)
    assert 'aria-valuenow="100"' in dom
