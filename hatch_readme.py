"""Metadata that depends on where the project is published.

NNCODEC_REPOSITORY is the address of the public repository, such as https://forge.example/nncodec.
With it, the package has project URLs, and the relative links of README.md lead to that repository
at the tag of this version. Without it they become plain text, so that no page of a package index
has a link that leads nowhere.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

REPOSITORY_VARIABLE = "NNCODEC_REPOSITORY"
PAGES = {
    "Homepage": "",
    "Documentation": "/blob/{tag}/docs/index.md",
    "Changelog": "/blob/{tag}/CHANGELOG.md",
    "Source": "",
    "Issues": "/issues",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?://|#)([^)\s]+)\)")


def metadata_of(text: str, version: str, repository: str) -> dict:
    """The fields that depend on the address of the repository; empty: there is none.

    Args:
        text: of README.md.
        version: of the package.
        repository: an address.
    """
    tag, repository = f"v{version}", repository.rstrip("/")
    urls = {name: repository + page.format(tag=tag) for name, page in PAGES.items()}
    return {
        "readme": {"content-type": "text/markdown", "text": absolute(text, repository, tag)},
        "urls": urls if repository else {},
    }


def absolute(text: str, repository: str, tag: str) -> str:
    """Markdown whose relative links lead into a repository; links become text if there is none."""

    def replaced(found: re.Match[str]) -> str:
        image, label, target = found.groups()
        if not repository:
            return "" if image else label
        kind = "raw" if image else "blob"
        return f"{image}[{label}]({repository}/{kind}/{tag}/{target})"

    return LINK.sub(replaced, text)


try:
    from hatchling.metadata.plugin.interface import MetadataHookInterface
except ImportError:  # read by tests
    pass
else:

    class ReadmeHook(MetadataHookInterface):
        """Sets the fields `readme` and `urls`, which pyproject.toml calls dynamic."""

        PLUGIN_NAME = "custom"

        def update(self, metadata: dict) -> None:
            """Called by hatchling with the table `project`."""
            text = Path(self.root, "README.md").read_text(encoding="utf-8")
            repository = os.environ.get(REPOSITORY_VARIABLE, "")
            metadata |= metadata_of(text, metadata["version"], repository)
