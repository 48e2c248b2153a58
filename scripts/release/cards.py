"""Where released models go: file, registry, card."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from codec.models.kinds import LosslessModel
from codec.models.registry import ID_BYTES, PRETRAINED, REGISTRY
from codec.models.released import pack_model
from scripts.train.run import read_log


def publish(content: str, name: str, data: bytes, card: Path, **facts: object) -> None:
    """Makes a model the default of its content.

    Args:
        content: that files with it have.
        name: of its folder in the package.
        data: the bytes of its file.
        card: template of its model card, which is given `name`, `id`, `sha256` and the facts.
        facts: what else the template asks for.
    """
    model_id, digest = _write(content, name, data)
    text = card.read_text(encoding="utf-8").format(name=name, id=model_id, sha256=digest, **facts)
    (PRETRAINED / name / "README.md").write_text(text, encoding="utf-8")


def replace_model(model: LosslessModel) -> None:
    """Writes a released model anew, whose tensors are others, and its digest into its card."""
    notes = {"license": "Apache-2.0"}
    tables = list(model.tables.frequencies)
    data = pack_model(model.content, model.config, model.arrays, tables, notes)
    folder = PRETRAINED / model.name
    before = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    model_id, digest = _write(model.content, model.name, data)
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8").replace(before, digest)
    card.write_text(text.replace(f"`{model.id.hex()}`", f"`{model_id}`"), encoding="utf-8")


def _write(content: str, name: str, data: bytes) -> tuple[str, str]:
    """Writes and registers a model file; returns its id and digest, hexadecimal."""
    path = PRETRAINED / name / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    register(content, name, digest)
    model_id = digest[: 2 * ID_BYTES]
    print(f"{path}: {len(data):,} bytes, id {model_id}")
    return model_id, digest


def register(content: str, name: str, digest: str) -> None:
    """Enters a model into the registry, as its content's default; FORMAT.md 11.2 names it too."""
    known = tomllib.loads(REGISTRY.read_text())
    known["default"][content] = name
    known["sha256"][name] = digest
    lines = []
    for table, entries in known.items():
        lines += [f"[{table}]", *(f'{key} = "{value}"' for key, value in entries.items()), ""]
    REGISTRY.write_text("\n".join(lines[:-1]) + "\n")


def effort_of(run: Path) -> dict[str, object]:
    """Steps and hours of a training run, as cards tell them."""
    steps, seconds, *_ = read_log(run)[-1]
    return {"steps": int(steps), "hours": float(seconds) / 3600}
