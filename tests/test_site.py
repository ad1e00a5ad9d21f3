"""Mathematics in the documents: TeX that code-hosting sites and the site of the documents both show."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from proofs_check.pages.mathml import text_to_html
from tests.test_links import FENCE, ROOT

DOCS = ROOT / "docs"
PAGES = [DOCS / "theory.md", DOCS / "notation.md"]
CONF = runpy.run_path(str(DOCS / "conf.py"))


def prose(page: Path) -> str:
    """A page without its code, headings and links."""
    text = re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))


def formulas(page: Path) -> list[tuple[str, bool]]:
    """(TeX, whether it stands by itself)."""
    found = re.findall(r"\$\$(.*?)\$\$|\$([^$]+)\$", prose(page), re.DOTALL)
    return [(display or inline, bool(display)) for display, inline in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_all_mathematics_is_marked(page: Path) -> None:
    assert len(formulas(page)) > 50
    rest = re.sub(r"\$[^$]+\$", "", re.sub(r"\$\$.*?\$\$", "", prose(page), flags=re.DOTALL))
    assert "$" not in rest
    assert re.findall(r".*(?:[∈≤≥⊆⊇∪∩Σℓ𝒱𝒴𝒞𝒦]|[α-ωΑ-Ω]|\w_\w).*", rest) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_formula_is_taken_for_markdown(page: Path) -> None:
    """What Markdown reads first on some sites: emphasis, escapes, a bar that ends the cell of a table, a tag."""
    for tex, _ in formulas(page):
        assert not re.search(r"\*|(?:^|[^\w\s])_\w|\\[^a-zA-Z]|\||<|>", tex), tex
        assert len({tex.count(bracket) for bracket in "{}"}) == 1, tex


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_formula_becomes_mathml(page: Path) -> None:
    pytest.importorskip("latex2mathml", reason="comes with the extra docs")
    for tex, display in formulas(page):
        text = re.sub(r"<[^>]*>", "", CONF["mathml"](tex, display=display))
        assert "\\" not in text, tex
        assert "&#x0005C" not in text, tex


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), *DOCS.glob("api/*.md")], ids=lambda page: page.stem)
def test_no_formula_stands_in_a_block_of_code(page: Path) -> None:
    """Four spaces at the beginning of a line make one, where the text around has fewer."""
    blocks = re.findall(r"(?:^|\n) *\n((?: {4,}.*\n)+)", FENCE.sub("", page.read_text(encoding="utf-8")))
    assert [block for block in blocks if "$" in block.replace("$ lengthgen", "")] == []


def test_statements_in_plain_text_are_mathematics_on_the_site() -> None:
    nodes = pytest.importorskip("docutils.nodes", reason="comes with the extra docs")
    said, head, code = "losses <= 1/k in T3", "a <= b", "c <= d"
    inner = nodes.section("", nodes.title("", head), nodes.paragraph("", said), nodes.literal_block(code, code))
    inner[1] += nodes.literal("", code)
    intro = nodes.paragraph("", "n <= m")
    document = nodes.section("", nodes.title("", head), intro, inner)
    CONF["plain_mathematics"](document)
    (raw,) = document.findall(nodes.raw)
    assert raw.astext() == text_to_html(said)
    assert "<math>" in raw.astext()
    assert inner[1].astext().endswith(code)
    assert (intro.astext(), inner[0].astext(), inner[2].astext()) == ("n <= m", head, code)


def test_signs_are_operators_and_words_are_words() -> None:
    pytest.importorskip("latex2mathml", reason="comes with the extra docs")
    made = CONF["mathml"](r"\mathrm{Views}(e) ∩ 𝒦 ≤ 2k")
    assert "<mi>Views</mi>" in made
    for sign in "∩≤":
        assert f"<mo>{sign}</mo>" in made
    assert "<mi>𝒦</mi>" in made or "&#x1D4A6;" in made
    assert re.search(r"<msub>(<mrow>)*<mi>Set</mi>(</mrow>)*<mrow><mi>k</mi>", CONF["mathml"](r"\mathrm{Set_k}([ℓ])"))
    assert 'display="block"' in CONF["mathml"]("x", display=True)
