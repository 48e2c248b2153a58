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
from click.testing import CliRunner
from PIL import Image

import codec
from bitstream import Container, Tag
from bitstream.carriers import carrier_of
from codec.cli import main
from codec.errors import FileError, ImageError
from codec.opening import open_file
from codec.pages import maps
from codec.pages.view import sites
from codec.pages.view.comparison import Entry, compare
from codec.pages.view.server import ViewServer

ROOT = Path(__file__).parents[2]
KEYS = ["original", "decoded", "no-update", "errors"]


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
    (file,) = facts["files"]
    assert (file["name"], file["decoded"], file["bytes"]) == ("<photo>.nni", "decoded", len(data))
    assert list(file["parts"]) == ["update", "content"]
    assert [variant["key"] for variant in facts["variants"]] == KEYS
    figures = {variant["key"]: variant["figures"] for variant in facts["variants"]}
    assert figures["original"] == figures["errors"] == {}
    assert figures["decoded"]["psnr_db"] == "48.13 dB"


def test_pictures(server, data, decoded):
    original, shown, plain, errors = (
        np.asarray(Image.open(BytesIO(fetch(f"{server.url}{key}.png")[0]))) for key in KEYS
    )
    assert np.array_equal(shown, decoded)
    assert np.array_equal(original, decoded ^ 1)
    assert (errors == maps.AMPLIFICATION).all()
    container = Container.unpack(data)
    content = {Tag.CONTENT: container.chunks[Tag.CONTENT]}
    assert np.array_equal(plain, codec.decode(Container(container.header, content).pack()))
    assert not np.array_equal(plain, shown)


def opened(data: bytes, name: str = "photo.nni") -> Entry:
    return Entry(name, open_file(data))


def keys(*entries: Entry, **options) -> list[str]:
    return [variant.key for variant in compare(entries, **options).variants]


def without_update(data: bytes) -> bytes:
    container = Container.unpack(data)
    return Container(container.header, {Tag.CONTENT: container.chunks[Tag.CONTENT]}).pack()


def test_without_original_and_without_update(data, decoded):
    assert keys(opened(data)) == ["decoded", "no-update"]
    assert keys(opened(without_update(data))) == ["decoded"]
    with pytest.raises(ImageError, match="the original is not"):
        compare([opened(data)], decoded[1:])


def test_two_files_are_compared(data, decoded):
    pair = (opened(data, "a/x.nni"), opened(without_update(data), "b/x.nni"))
    comparison = compare(pair)
    titles = {variant.key: variant.title for variant in comparison.variants}
    assert titles == {
        "decoded": "a/x.nni: Decoded",
        "no-update": "a/x.nni: Without update",
        "decoded-2": "b/x.nni: Decoded",
        "difference": "Difference × 8",
    }
    pictures = {variant.key: variant.png for variant in comparison.variants}
    assert pictures["no-update"] == pictures["decoded-2"] != pictures["decoded"]
    assert [shown.decoded for shown in comparison.files] == ["decoded", "decoded-2"]
    assert keys(*pair, original=decoded) == [
        *("original", "decoded", "no-update", "errors", "decoded-2", "errors-2")
    ]


def test_a_plain_standard_file_is_compared_too(data, decoded):
    file = BytesIO()
    Image.fromarray(decoded).save(file, "JPEG", quality=30)
    comparison = compare([opened(data, "x.nni"), opened(file.getvalue(), "x.jpg")], decoded)
    assert comparison.variants[4].title == "x.jpg: JPEG as in any program"
    assert comparison.files[1].parts == {"jpeg": len(file.getvalue())}
    Image.fromarray(decoded[1:]).save(file := BytesIO(), "JPEG")
    with pytest.raises(FileError, match=r"x\.jpg: is not"):
        compare([opened(data), opened(file.getvalue(), "x.jpg")])


def test_a_sheet_of_a_folder(data, decoded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("files", "deep").mkdir(parents=True)
    Path("files", "a.nni").write_bytes(data)
    Path("files", "bad.nni").write_bytes(data[:-9])
    Path("files", "deep", "b.nni").write_bytes(without_update(data))
    Image.fromarray(decoded).save("files/plain.jpg")
    pages = []

    def look(server: ViewServer) -> None:
        listed = json.loads(server.site("files.json")[1])
        assert [Path(file["name"]).name for file in listed] == ["a.nni", "b.nni"]
        assert [file["bytes"] for file in listed] == [len(data), len(without_update(data))]
        thumbnail = Image.open(BytesIO(server.site("1/thumbnail.png")[1]))
        assert max(thumbnail.size) <= sites.THUMBNAIL_PX
        facts = json.loads(server.site("0/facts.json")[1])
        assert facts["files"][0]["name"] == "files/a.nni"
        assert np.array_equal(
            np.asarray(Image.open(BytesIO(server.site("0/decoded.png")[1]))), decoded
        )
        assert b"page.js" in server.site("0/")[1] and b"sheet.js" in server.site("")[1]
        assert [server.site(path) for path in ("2/", "0", "x/", "0/x", "-1/")] == [None] * 5
        pages.append(server.url)

    monkeypatch.setattr(ViewServer, "serve_forever", look)
    result = CliRunner().invoke(main, ["view", "--no-browser", "files"], prog_name="nncodec")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == pages
    assert result.stderr.startswith("nncodec: warning: files/bad.nni: ")
    for arguments in (["files", "files/a.nni"], ["files", "--original", "files/plain.jpg"]):
        assert CliRunner().invoke(main, ["view", *arguments]).exit_code == 2
    Path("empty").mkdir()
    result = CliRunner().invoke(main, ["view", "empty"])
    assert (result.exit_code, result.stderr) == (1, "nncodec: empty: holds no file to work on\n")


def test_an_update_for_another_picture_is_said_to_be_left_out(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).resize((320, 320)).save(file, "JPEG", quality=30)
    darker = np.asarray(Image.open(file)) // 2
    good = codec.enhance(darker, file.getvalue()).data
    assert compare([opened(good)]).files[0].remark == ""
    other = BytesIO()
    Image.fromarray(darker).save(other, "JPEG", quality=30)
    carrier = carrier_of(good)
    edited = carrier.insert(other.getvalue(), carrier.extract(good))
    comparison = compare([opened(edited)])
    remark = comparison.files[0].remark
    assert "was changed after it was enhanced" in remark
    facts = json.loads(sites.of_comparison(comparison)("facts.json")[1])
    assert facts["files"][0]["remark"] == remark


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
