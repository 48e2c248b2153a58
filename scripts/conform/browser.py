"""Decodes files by the page in headless Chromium, and compares with what they should be.

    python -m scripts conform.browser --site site --out results/0.1.0/browser.tsv photo.nni ...

decodes all vectors, whose models --site must have (`release.web --models`), and any further files,
which are compared with the decoder of the package, each --repeat times.  Exit status 1 if one
differs.

Columns: file, equal (1 or 0), width, height, seconds (the quickest, with the models loaded; those
of vectors are left out).
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import codec
from codec.models.registry import MODELS_VARIABLE, PRETRAINED
from scripts.conform.vectors import MODELS, Vector, all_vectors, pixels_sha256
from scripts.release.web import assemble

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""The sandbox of a browser needs rights that containers and superusers do not give it."""
TIMEOUT_S = 600
DEEP = "lossless-deep"
"""Beginning of the names of vectors of more than 8 bits a sample."""
REFUSED = {"v1/valid/lossless-webp-opacity": "InvalidField"}
"""Vectors that no page shows: browsers do not give colours under an opacity exactly."""
PAGE = """<!doctype html><script type="module">
const send = (found) => fetch('/found', { method: 'POST', body: JSON.stringify(found) });
const hex = (b) => Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, '0')).join('');
const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
try {
  const { decode, modelsIn } = await import('/nncodec.js');
  const models = modelsIn(new URL('/models/', location)), found = [];
  for (const { file, repeat, options } of await (await fetch('/jobs.json')).json()) {
    const bytes = await get(file), seconds = [];
    if (options.shared) options.shared = options.shared.map((update) => Uint8Array.from(update));
    try {
      let picture;
      for (let n = 0; n < repeat; n++) {
        const began = performance.now();
        picture = await decode(bytes, models, options);
        seconds.push((performance.now() - began) / 1000);
      }
      const { width, height, rgba, info } = picture;
      const samples = info.alpha ? rgba : rgba.filter((_, i) => i % 4 < 3);
      const outcome = hex(await crypto.subtle.digest('SHA-256', samples));
      found.push({ outcome, width, height, seconds, complaint: info.complaint ?? '' });
    } catch (error) {
      found.push({ outcome: error.kind ?? error.stack, message: error.message });
    }
  }
  await send(found);
} catch (error) {
  await send(String(error.stack ?? error));
}
</script>"""


@dataclass(frozen=True)
class Work:
    """A file for the page.

    Attributes:
        data: its bytes.
        repeat: how often it is decoded.
        options: of `decode`.
    """

    data: bytes
    repeat: int = 1
    options: dict[str, object] | None = None


def outcome_of(vector: Vector) -> str:
    """What the page must make of a vector: the hash of its samples, or the class of an error."""
    if vector.path.stem.startswith(DEEP):
        return _of_eight_bits(vector)
    return REFUSED.get(vector.id) or vector.pixels_sha256 or str(vector.error)


def _of_eight_bits(vector: Vector) -> str:
    """The same of a file with more than 8 bits a sample, of which the page shows the first."""
    try:
        with mock.patch.dict(os.environ, {MODELS_VARIABLE: str(MODELS)}):
            restored = codec.restore(vector.path, codec.DecodeOptions(eight_bits=True))
    except codec.FormatError as error:
        return type(error).__name__
    return pixels_sha256(restored.pixels)


def chromium() -> str | None:
    """The browser, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, queue.Queue[object]]]:
    """A server of a folder: where it is, and what pages send to it."""
    sent: queue.Queue[object] = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", sent
        finally:
            server.shutdown()
            thread.join()


def sent_by(page: str, site: Path, files: Mapping[str, bytes]) -> object:
    """What a page sends from the browser, as JSON to /found.

    Args:
        page: its HTML.
        site: what is beside it.
        files: what else is, by path.

    Raises:
        queue.Empty: it takes too long.
    """
    with tempfile.TemporaryDirectory() as profile:
        folder = Path(profile, "site")
        shutil.copytree(site, folder)
        for name, data in {"check.html": page.encode(), **files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        with served(folder) as (address, sent):
            command = [chromium(), *FLAGS, f"--user-data-dir={profile}/user"]
            browser = subprocess.Popen(
                [*command, f"{address}/check.html"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                return sent.get(timeout=TIMEOUT_S)
            finally:
                browser.terminate()
                browser.wait()


def decode_in_browser(site: Path, works: Sequence[Work]) -> list[dict]:
    """What the page makes of files: "outcome", the hash of its samples or the class of an error.

    Raises:
        RuntimeError: the page stops.
        queue.Empty: it takes too long.
    """
    jobs = [
        {"file": f"/work/{number}", "repeat": work.repeat, "options": work.options or {}}
        for number, work in enumerate(works)
    ]
    files = {f"work/{number}": work.data for number, work in enumerate(works)}
    found = sent_by(PAGE, site, {"jobs.json": json.dumps(jobs).encode(), **files})
    if not isinstance(found, list):
        raise RuntimeError(f"the page stopped: {found}")
    return found


def main() -> int:
    """Returns the exit status: 1 if a file differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--site", type=Path, help="a page; put together anew where there is none")
    parser.add_argument("--repeat", type=int, default=4, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    if not args.site.exists():
        assemble(args.site, [PRETRAINED, MODELS])
    vectors = all_vectors()
    works = [Work(vector.path.read_bytes()) for vector in vectors]
    works += [Work(path.read_bytes(), args.repeat) for path in args.files]
    names = [vector.id for vector in vectors] + [path.name for path in args.files]
    wanted = [outcome_of(vector) for vector in vectors]
    wanted += [pixels_sha256(codec.decode(path.read_bytes())) for path in args.files]
    lines, differing = ["file\tequal\twidth\theight\tseconds"], 0
    for name, want, work, found in zip(
        names, wanted, works, decode_in_browser(args.site, works), strict=True
    ):
        equal = found["outcome"] == want
        differing += not equal
        size = [str(found.get(side, "")) for side in ("width", "height")]
        seconds = f"{min(found['seconds']):.3f}" if work.repeat > 1 and equal else ""
        lines.append("\t".join([name, str(int(equal)), *size, seconds]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(works) - differing} of {len(works)} files are equal")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
