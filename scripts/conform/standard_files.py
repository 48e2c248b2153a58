"""Small JPEG, WebP and AVIF files of many kinds, as Pillow writes them, to try carriers on."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT = 64, 48
FAST = {"speed": 10, "max_threads": 1}
ORIENTATION, ROTATED = 0x0112, 6
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- as it was --></x:xmpmeta>'


def examples() -> dict[str, bytes]:
    """Files of one picture to show, by their names."""
    return jpeg_files() | webp_files() | avif_files()


def animations() -> dict[str, bytes]:
    """Files of two frames, which dwebp does not read."""
    first, second = picture("RGB"), picture("RGB", 1)
    return {
        "animated.webp": saved(first, "WEBP", save_all=True, append_images=[second]),
        "animated.avif": saved(first, "AVIF", save_all=True, append_images=[second], **FAST),
    }


def jpeg_files() -> dict[str, bytes]:
    """Of every coding process in use, with all that may stand before and after the picture."""
    photo, metadata = picture("RGB"), {**all_metadata(), "comment": b"as it was"}
    files = {
        "baseline-420.jpg": saved(photo, "JPEG", subsampling=2),
        "baseline-444.jpg": saved(photo, "JPEG", subsampling=0),
        "progressive.jpg": saved(photo, "JPEG", progressive=True),
        "restarts.jpg": saved(photo, "JPEG", restart_marker_blocks=1),
        "grey.jpg": saved(picture("L"), "JPEG"),
        "cmyk.jpg": saved(picture("CMYK"), "JPEG"),
        "metadata.jpg": saved(photo, "JPEG", **metadata),
        "metadata-progressive.jpg": saved(photo, "JPEG", progressive=True, **metadata),
        "several-pictures.jpg": saved(
            photo, "MPO", save_all=True, append_images=[picture("RGB", 1)], **all_metadata()
        ),
    }
    return files | {"bytes-after-end.jpg": files["baseline-420.jpg"] + b"\xff\xe1 of a camera"}


def webp_files() -> dict[str, bytes]:
    """Simple and extended ones."""
    photo, cut_out = picture("RGB"), picture("RGBA")
    files = {
        "lossy.webp": saved(photo, "WEBP"),
        "lossless.webp": saved(photo, "WEBP", lossless=True),
        "lossy-alpha.webp": saved(cut_out, "WEBP"),
        "lossless-alpha.webp": saved(cut_out, "WEBP", lossless=True),
        "metadata.webp": saved(photo, "WEBP", **all_metadata()),
        "metadata-lossless.webp": saved(photo, "WEBP", lossless=True, **all_metadata()),
    }
    return files | {"bytes-after-end.webp": files["lossy.webp"] + b"of a camera"}


def avif_files() -> dict[str, bytes]:
    """Of all samplings."""
    photo = picture("RGB")
    return {
        "420.avif": saved(photo, "AVIF", subsampling="4:2:0", **FAST),
        "444.avif": saved(photo, "AVIF", subsampling="4:4:4", **FAST),
        "grey.avif": saved(photo, "AVIF", subsampling="4:0:0", **FAST),
        "alpha.avif": saved(picture("RGBA"), "AVIF", **FAST),
        "metadata.avif": saved(photo, "AVIF", **all_metadata(), **FAST),
    }


def picture(mode: str, seed: int = 0) -> Image.Image:
    """Soft noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 4), np.uint8)
    soft = Image.fromarray(coarse, "RGBA").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return soft if mode == "RGBA" else soft.convert("RGB").convert(mode)


def all_metadata() -> dict[str, object]:
    """A turned picture with a colour profile and a description."""
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)  # its date and time of creation: files must not depend on them
    return {"exif": exif.tobytes(), "icc_profile": bytes(profile), "xmp": XMP}


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The bytes of the file that Pillow writes."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
