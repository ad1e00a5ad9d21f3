"""Every relative link of the documents leads to a file, and every anchor to a heading; no network is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])

FENCE = re.compile(r"^(```+)[^`\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[(?:[^][]|\[[^][]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def prose(text: str) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead to, but for those with a scheme."""
    return [target for target in LINK.findall(prose(text)) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> Iterator[str]:
    """The anchors of a page's headings, as code-hosting sites and MyST make them: "T1: so" has t1-so."""
    seen: dict[str, int] = {}
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        seen[words] = seen.get(words, -1) + 1
        yield f"{words}-{seen[words]}" if seen[words] else words


def broken(page: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere."""
    out = []
    for target in links(text):
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        found = path.exists()
        if found and anchor:
            found = anchor in anchors(text if path == page else path.read_text(encoding="utf-8"))
        out += [] if found else [target]
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    tree = re.findall(r"^[\w/-]+$", "\n".join(re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL)), re.MULTILINE)
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert set(tree) == pages | {"api/index"}
    assert {f"{name}.md" for name in tree} <= set(links(index)), "the toctree shows on the site alone"


def test_it_sees_what_is_broken() -> None:
    text = "# A: b\n\n[1](#a-b) [2](#a) [3](nowhere.md) [4](theory.md#t1-the-exact-criterion) [5](theory.md#t99)\n"
    text += "[6](https://example.org/x) `[7](code.md)` ![8](images/none.png)\n\n```\n[9](code.md)\n```\n"
    assert broken(ROOT / "docs" / "index.md", text) == ["#a", "nowhere.md", "theory.md#t99", "images/none.png"]
