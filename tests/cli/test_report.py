"""`nncodec encode --report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from codec.pages.report import page


@pytest.fixture
def rendered(monkeypatch):
    monkeypatch.setattr(page, "render", lambda name, *_: f"<p>{name}")


@pytest.mark.usefixtures("rendered")
def test_writes_a_page_beside_the_file(run):
    result = run("encode", "--report", "page.html", "photo.png", "out.bin")
    assert result.exit_code == 0
    assert Path("out.bin").exists()
    assert Path("page.html").read_text() == "<p>photo.png"


@pytest.mark.usefixtures("rendered")
def test_a_page_that_cannot_be_written_stops_the_encode(run, fake):
    Path("page.html").write_text("mine")
    result = run("encode", "--report", "page.html", "photo.png", "out.bin")
    assert result.exit_code == 1 and result.stderr.startswith("nncodec: page.html: exists")
    assert fake.encode_options is None and not Path("out.bin").exists()
    assert Path("page.html").read_text() == "mine"


@pytest.mark.usefixtures("rendered")
def test_a_page_is_no_stream(run):
    result = run("encode", "--report", "-", "photo.png", "out.bin")
    assert result.exit_code == 2 and not Path("out.bin").exists()
