"""The page's decoder in headless Chromium: exact pixels, and refusals for the right reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bitstream import Container, Tag
from bitstream.update.methods import reference
from bitstream.update.shared import SharedUpdate
from codec import decode, enhance
from codec.models.registry import MODELS_VARIABLE, PRETRAINED, default_ids
from codec.opening import open_file
from hatch_build import WASM
from scripts.conform.browser import (
    Work,
    chromium,
    decode_in_browser,
    outcome_of,
    sent_by,
)
from scripts.conform.vectors import MODELS, PLAIN, all_vectors, pixels_sha256
from scripts.release import web

if chromium() is None:
    pytest.skip("there is no Chromium", allow_module_level=True)
if not WASM.exists():
    pytest.skip("`python hatch_build.py wasm` has not run", allow_module_level=True)

VECTORS = all_vectors()
SIDE_PX, HASH_CHARS = 61, 64
ELEMENTS = """<!doctype html><body><script type="module" src="element.js"></script>
<nncodec-img src="picture.nni" alt="a picture"></nncodec-img>
<nncodec-img src="missing.nni" alt="another"></nncodec-img>
<nncodec-img src="element.js" alt="no picture"></nncodec-img>
<script>
const send = (found) => fetch('/found', { method: 'POST', body: JSON.stringify(found) });
const all = [...document.querySelectorAll('nncodec-img')];
let left = all.length;
function came({ type, target, detail }) {
  const { canvas, words } = target, { width, height } = canvas.getBoundingClientRect();
  const painted = type === 'load' && canvas.getContext('2d').getImageData(0, 0, width, height);
  target.found = {
    type, box: [width, height], words: words.hidden ? '' : words.innerText,
    message: detail.message ?? '', pixels: painted ? [...painted.data] : [],
  };
  if (!--left) send(all.map(({ found }) => found));
}
for (const one of all) for (const type of ['load', 'error']) one.addEventListener(type, came);
</script>"""
"""A page with elements, which sends what comes of them."""


def samples(pixels: np.ndarray) -> str:
    return pixels_sha256(pixels)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A page with the models of the vectors, and those of JPEG and WebP files."""
    folder = tmp_path_factory.mktemp("page")
    pretrained = tmp_path_factory.mktemp("models")
    for content in ("jpeg", "webp"):
        (pretrained / f"{content}-1").symlink_to(PRETRAINED / f"{content}-1")
    web.assemble(folder, [MODELS, pretrained])
    return folder


@pytest.fixture(scope="module")
def found(site) -> list[dict]:
    """What the page makes of all vectors."""
    return decode_in_browser(site, [Work(vector.path.read_bytes()) for vector in VECTORS])


def test_all_vectors_have_the_very_same_pixels_or_are_refused_for_their_reason(found):
    outcomes = {v.id: one["outcome"] for v, one in zip(VECTORS, found, strict=True)}
    assert outcomes == {vector.id: outcome_of(vector) for vector in VECTORS}


def test_refusals_are_one_line(found):
    messages = [one["message"] for one in found if "message" in one]
    assert len(messages) == sum(len(outcome_of(vector)) < HASH_CHARS for vector in VECTORS)
    assert all(message and "\n" not in message for message in messages)


def test_without_its_update_a_picture_is_that_of_the_model_alone(site, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    file = PLAIN.read_bytes()
    plain = open_file(file).without(Tag.UPDATE).container.pack()
    (one,) = decode_in_browser(site, [Work(file, options={"update": False})])
    assert one["outcome"] == samples(decode(plain)) != samples(decode(file))


def test_shared_updates_are_refused_until_they_are_given(site, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    container = Container.unpack(PLAIN.read_bytes())
    update = SharedUpdate(container.header.model, container.chunks[Tag.UPDATE]).pack()
    chunks = {**container.chunks, Tag.UPDATE: reference(update)}
    file = Container(container.header, chunks).pack()
    works = [Work(file), Work(file, options={"shared": [list(update)]})]
    without, given = decode_in_browser(site, works)
    assert without["outcome"] == "UnknownUpdate"
    assert given["outcome"] == samples(decode(PLAIN.read_bytes()))


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return data.astronaut()[100 : 100 + SIDE_PX, 200 : 200 + SIDE_PX + 6]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_enhanced_files_of_other_codecs_are_filtered_alike(site, photograph, kind):
    target = io.BytesIO()
    Image.fromarray(photograph).save(target, kind, quality=40)
    file = enhance(photograph, target.getvalue()).data
    turned = open_file(file)
    assert turned.payload is not None
    (one,) = decode_in_browser(site, [Work(file)])
    assert not one["complaint"]
    assert one["outcome"] == samples(decode(file))


def test_elements_show_pictures_or_words(site, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    shown, missing, other = sent_by(ELEMENTS, site, {"picture.nni": PLAIN.read_bytes()})
    pixels = decode(PLAIN.read_bytes())
    height, width, _ = pixels.shape
    assert (shown["type"], shown["box"], shown["words"]) == ("load", [width, height], "")
    painted = np.reshape(shown["pixels"], (height, width, 4))
    assert np.array_equal(painted[..., :3], pixels) and (painted[..., 3] == 255).all()
    assert [one["type"] for one in (missing, other)] == ["error", "error"]
    assert [one["words"] for one in (missing, other)] == ["another", "no picture"]
    assert [one["box"] for one in (missing, other)] == [[0, 0], [0, 0]]
    assert missing["message"] == "missing.nni is missing" and other["message"]


def test_models_that_a_page_lacks_are_named(site):
    (one,) = decode_in_browser(site, [Work(foreign(PLAIN.read_bytes()))])
    assert one["outcome"] == "UnknownModel" and default_ids()["learned"].hex() in one["message"]


def foreign(file: bytes) -> bytes:
    """The same file with the id of another model."""
    container = Container.unpack(file)
    header = type(container.header)(
        container.header.width,
        container.header.height,
        container.header.quality,
        default_ids()["learned"],
    )
    return Container(header, container.chunks).pack()
