"""What the page is made of, and who may ask for it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, Tag
from bitstream.carriers import carrier_of
from codec.errors import ImageError
from codec.opening import open_file
from codec.pages.view.comparison import compare
from codec.pages.view.server import ViewServer

ROOT = Path(__file__).parents[2]
KEYS = ["original", "decoded", "no-update"]


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url) as answer:  # noqa: S310
        return answer.read(), dict(answer.headers)


def test_the_page_has_all_its_parts(server):
    for path, media_type in [("", "html"), ("page.css", "css"), ("page.js", "javascript")]:
        body, headers = fetch(server.url + path)
        assert body
        assert media_type in headers["Content-Type"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    page, _ = fetch(server.url)
    assert b"http" not in page  # nothing comes from elsewhere


def test_facts(server, data):
    facts = json.loads(fetch(server.url + "facts.json")[0])
    assert facts["name"] == "<photo>.nni"
    assert facts["bytes"] == len(data)
    assert list(facts["parts"]) == ["update", "content"]
    assert [variant["key"] for variant in facts["variants"]] == KEYS
    assert facts["variants"][0]["psnr_db"] is None
    assert facts["variants"][1]["psnr_db"] == pytest.approx(48.13, abs=0.01)


def test_pictures(server, data, decoded):
    original, shown, plain = (
        np.asarray(Image.open(BytesIO(fetch(f"{server.url}{key}.png")[0]))) for key in KEYS
    )
    assert np.array_equal(shown, decoded)
    assert np.array_equal(original, decoded ^ 1)
    container = Container.unpack(data)
    content = {Tag.CONTENT: container.chunks[Tag.CONTENT]}
    assert np.array_equal(plain, codec.decode(Container(container.header, content).pack()))
    assert not np.array_equal(plain, shown)


def test_without_original_and_without_update(data, decoded):
    assert [v.key for v in compare(open_file(data)).variants] == KEYS[1:]
    container = Container.unpack(data)
    content = {Tag.CONTENT: container.chunks[Tag.CONTENT]}
    assert [
        v.key for v in compare(open_file(Container(container.header, content).pack())).variants
    ] == ["decoded"]
    with pytest.raises(ImageError, match="is not"):
        compare(open_file(data), decoded[1:])


def test_an_update_for_another_picture_is_said_to_be_left_out(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).resize((320, 320)).save(file, "JPEG", quality=30)
    darker = np.asarray(Image.open(file)) // 2
    good = codec.enhance(darker, file.getvalue()).data
    assert compare(open_file(good)).remark == ""
    other = BytesIO()
    Image.fromarray(darker).save(other, "JPEG", quality=30)
    carrier = carrier_of(good)
    edited = carrier.insert(other.getvalue(), carrier.extract(good))
    comparison = compare(open_file(edited))
    assert "was changed after it was enhanced" in comparison.remark
    with ViewServer(comparison, "photo.jpg") as server:
        facts = next(body for path, (_, body) in server.contents.items() if "facts" in path)
        assert json.loads(facts)["remark"] == comparison.remark


def test_nothing_else_is_served(server):
    root = server.url.rsplit("/", 2)[0]
    for path in ("/", "/page.js", "/etc/passwd"):
        with pytest.raises(HTTPError, match="404"):
            fetch(root + path)
    with pytest.raises(HTTPError, match="404"):
        fetch(server.url + "../../pyproject.toml")


def test_other_names_for_this_machine_are_refused(server):
    """A page elsewhere can point its own name here, but not hide that name."""
    address = urlsplit(server.url)
    assert address.hostname == "127.0.0.1" == server.server_address[0]
    connection = http.client.HTTPConnection(address.netloc)
    connection.request("GET", address.path, headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403
    connection.close()


def test_the_command_prints_the_address_and_ends_with_ctrl_c(data, tmp_path):
    (tmp_path / "photo.nni").write_bytes(data)
    process = subprocess.Popen(
        [sys.executable, "-m", "codec", "view", tmp_path / "photo.nni", "--no-browser"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().strip()
    assert b"page.js" in fetch(url)[0]
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "Ctrl-C ends it.\n")
    assert process.returncode == 0
