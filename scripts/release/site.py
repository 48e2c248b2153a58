"""Hooks of mkdocs: documents that lie elsewhere, links into the code, and the help of commands.

Documents link to files as they lie in the repository. On the site, those that are pages are reached
as pages; links to code lead to the repository at NNCODEC_REPOSITORY, and are plain text without it.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:  # mkdocs runs a hook as a file of its own
    sys.path.insert(0, str(ROOT))

from hatch_readme import LINK, REPOSITORY_VARIABLE  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "FORMAT.md": "format.md",
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "results/README.md": "tables.md",
}
"""Documents outside of docs, and the pages that they are."""
PLOTS = "results/0.1.0/*.png"
WIDTH = 80
"""Characters of a line of help."""
DEMO_GUIDE = "docs/web/README.md"
DEMO = "web/index.html"
"""The browser's decoder, below docs; there is a page without it, too."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the documents and plots that lie outside of docs."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        if page != "index.md":
            text = (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    for plot in sorted(ROOT.glob(PLOTS)):
        name = str(plot.relative_to(ROOT))
        files.append(File.generated(config, name, abs_src_path=str(plot)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links where they lead on the site, and fills what is generated."""
    uri = page.file.src_uri
    origin = next((name for name, to in PAGES.items() if to == uri != "index.md"), f"docs/{uri}")
    if uri == "cli.md":
        markdown = markdown.replace("<!-- commands -->", commands())
    if uri == "demo.md":
        there = files.get_file_from_path(DEMO) is not None
        markdown = markdown.replace("<!-- demo -->", demo() if there else NO_DEMO)
    return LINK.sub(lambda found: _link(found, origin), markdown)


def _link(found: re.Match[str], origin: str) -> str:
    """A link as the page has it that the document `origin` becomes."""
    image, label, target = found.groups()
    path, hash_sign, anchor = target.partition("#")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
    if place == DEMO_GUIDE:
        place = "docs/demo.md"
    at = PAGES.get(place, place.removeprefix("docs/") if place.startswith("docs/") else None)
    if at is None and image:
        at = place
    if at is not None:
        return f"{image}[{label}]({at}{hash_sign}{anchor})"
    repository = os.environ.get(REPOSITORY_VARIABLE, "").rstrip("/")
    return f"[{label}]({repository}/blob/main/{place})" if repository else label


def commands() -> str:
    """The help of all commands, as they print it."""
    import click

    from codec.cli import main
    from codec.cli.parts import HELP_NAMES, subcommands

    parts = []

    def add(command: click.Command, parent: click.Context | None) -> None:
        # With the names that the commands have: click keeps an option for help at first use.
        context = click.Context(
            command,
            parent=parent,
            info_name=command.name,
            terminal_width=WIDTH,
            max_content_width=WIDTH,
            help_option_names=HELP_NAMES["help_option_names"],
        )
        level = "##" if parent is None or parent.parent is None else "###"
        parts.append(f"{level} {context.command_path}\n\n```text\n{context.get_help()}\n```\n")
        for inner in subcommands(context).values():
            add(inner, context)

    add(main, None)
    return "\n".join(parts)


NO_DEMO = "The decoder for browsers is not part of this build."


def demo() -> str:
    """The page of the browser's decoder inside of ours."""
    source = escape(f"../{posixpath.dirname(DEMO)}/")
    return (
        f'<iframe src="{source}" title="Decoder" style="width:100%;height:80vh;border:0"></iframe>'
    )
