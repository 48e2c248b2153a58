"""The page on an encode: it contains what it claims, and needs nothing else."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, Tag
from codec import EncodeOptions, Lossy
from codec.pages import maps
from codec.pages.report.page import render
from codec.picture.metrics import METRICS, measure

CELLS = {"th", "td", "dt", "dd"}


class Page(HTMLParser):
    """Pictures by their labels, cells of tables, number of points per curve, and all text."""

    def __init__(self, text):
        super().__init__()
        self.images, self.curves, self.downloads = {}, {}, {}
        self.cells, self.links = [], []
        self.text, self._cell = "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [values[name] for name in ("src", "href") if name in values]
        if tag in CELLS:
            self._cell = True
        if tag == "img":
            file = base64.b64decode(values["src"].removeprefix("data:image/png;base64,"))
            self.images[values["alt"]] = np.asarray(Image.open(io.BytesIO(file)))
        if "download" in values:
            self.downloads[values["data-of"]] = values["download"]
        if tag == "svg":
            self._curve = values["aria-label"].rpartition(" ")[2]
        if tag == "polyline":
            self.curves[self._curve] = len(values["points"].split())

    def handle_endtag(self, tag):
        if tag in CELLS:
            self._cell = False

    def handle_data(self, data):
        self.text += data
        if self._cell:
            self.cells.append(data.strip())

    def value(self, name):
        return self.cells[self.cells.index(name) + 1]


@pytest.fixture(scope="module")
def encoded(crop):
    options = EncodeOptions(Lossy(quality=70), effort=3)
    return options, codec.encode(crop, options)


@pytest.fixture(scope="module")
def page(crop, encoded):
    return Page(render("a <b> & c.png", crop, encoded[1], encoded[0]))


def test_the_pictures_are_those_that_a_decoder_makes(page, crop, encoded):
    data = encoded[1].data
    container = Container.unpack(data)
    left_out = (Tag.UPDATE, Tag.PIXELS)
    rest = {tag: part for tag, part in container.chunks.items() if tag not in left_out}
    base = Container(container.header, rest).pack()
    assert np.array_equal(page.images["original"], crop)
    assert np.array_equal(page.images["decoded"], codec.decode(data))
    assert np.array_equal(page.images["without update"], codec.decode(base))
    assert {"errors", "errors without update", "where the update helped"} < page.images.keys()


def test_the_bytes_add_up(page, encoded):
    data = encoded[1].data
    chunks = Container.unpack(data).chunks
    assert page.value("content") == f"{len(chunks[Tag.CONTENT]):,}"
    assert page.value("checksum") == "4"
    sizes = [int(page.value(part).replace(",", "")) for part in ("header", "content", "checksum")]
    updates = sum(len(chunks.get(tag, b"")) for tag in (Tag.UPDATE, Tag.PRIOR))
    assert sum(sizes) + updates == len(data)


def test_figures_and_options(page, crop, encoded):
    report = encoded[1].report
    assert page.value("rate") == f"{report.bpp:.4f} bpp"
    assert page.value("PSNR") == f"{report.psnr_db:.2f} dB"
    found = measure(codec.decode(encoded[1].data), crop)
    for name, metric in METRICS.items():
        assert page.value(metric.label) == metric.text(found[name])
        assert (found[name] is None) != (f"{metric.label} +" in page.text)
    assert page.value("effort") == "3 of 9"
    assert page.value("metadata kept") == "all"
    assert page.value("kind of file") == "lossy"
    assert page.value("decoded and compared") == "yes"
    assert not re.search(r"\(|'|None|False", "".join(page.cells))


def test_one_point_per_step_of_each_search(page):
    assert page.curves == {"update": 18, "refining": 12}


def test_nothing_outside_is_needed_and_names_are_escaped(page):
    assert page.links and all(link.startswith("data:") for link in page.links)
    assert "a <b> & c.png" in page.text and "$" not in page.text.replace("${", "")


def test_both_pictures_can_be_downloaded(page):
    assert page.downloads == {
        "original": "a <b> & c-original.png",
        "decoded": "a <b> & c-decoded.png",
    }
    assert page.downloads.keys() < page.images.keys()


def test_a_file_without_update(crop):
    options = EncodeOptions(effort=0)
    page = Page(render("x.png", crop, codec.encode(crop, options), options))
    assert page.images.keys() == {"original", "decoded", "errors"}
    assert "no update" in page.text and not page.curves
    assert "Searches" not in page.text and "update" not in page.cells


def test_error_maps():
    original = np.full((9, 10, 3), 100, np.uint8)
    decoded = original.copy()
    decoded[0, 0] = (97, 110, 200)
    assert maps.errors(original, decoded)[0, 0].tolist() == [24, 80, 255]
    assert not maps.errors(original, decoded)[1:].any()


def test_gains_are_blue_where_the_update_helped_and_orange_where_not():
    original = np.full((12, 20, 3), 100, np.uint8)
    base, decoded = original.copy(), original.copy()
    base[0:8, 0:8] += 9  # the update repairs this block
    decoded[8:12, 16:20] += 9  # and damages this one, which is cut short
    tinted = maps.gains(original, decoded, base).astype(int)
    better, worse, same = tinted[4, 4], tinted[10, 18], tinted[4, 12]
    assert better[2] > better[0] and worse[0] > worse[2]
    assert same.tolist() == [100, 100, 100]
    assert maps.shares(original, decoded, base) == pytest.approx((1 / 6, 1 / 6))


def test_large_pictures_are_reduced(monkeypatch):
    monkeypatch.setattr(maps, "SHOWN_PIXELS", 600)
    assert maps.reduced(np.zeros((60, 40, 3), np.uint8)).shape == (30, 20, 3)
    assert maps.reduced(np.zeros((20, 30, 3), np.uint8)).shape == (20, 30, 3)
