"""The page of a report: complete, escaped, self-contained, usable by keyboard and screen reader, and no wider than a phone."""

from __future__ import annotations

import colorsys
import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from figures import verdict_matrix
from proofs_check import report as reports
from proofs_check.claims.checks import Run
from proofs_check.commands.main import main
from proofs_check.pages.html_report import OUTCOMES, Picture, page, pictures_in
from proofs_check.verdicts import table as verdicts
from tests.browser import browse, needs_chromium
from tests.proofs_check.test_report import RUNS, made
from theory import InvalidArgument, claims

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = Picture("addition_graph", "image/png", b"\x89PNG", "two operands <above> a sum")


@cache
def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "full-report.json").read_text(encoding="utf-8"))
    return found


@cache
def cells() -> list[verdicts.Cell]:
    """The stored verdicts."""
    return verdicts.from_data(json.loads((DOCS / "verdicts.json").read_text(encoding="utf-8")))


@pytest.fixture
def report() -> dict[str, Any]:
    return copy.deepcopy(_stored())


@cache
def full_page() -> str:
    """A page with everything on it."""
    return page(_stored(), cells=cells(), pictures=[PICTURE])


class Element:
    """An element of a page."""

    def __init__(self, tag: str, attributes: dict[str, str | None], parent: Element | None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element | str] = []

    def walk(self) -> Iterator[Element]:
        """This element and all in it, in document order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str) -> list[Element]:
        """The elements of these tags."""
        return [element for element in self.walk() if element.tag in tags]

    @property
    def text(self) -> str:
        """What is read, without the page's style."""
        if self.tag == "style":
            return ""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Reader(HTMLParser):
    """Reads a page into elements; a tag that is not closed where it should be is an error."""

    VOID = ("meta", "link", "img", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = self.at = Element("root", {}, None)
        self.feed(text)
        self.close()
        assert self.at is self.root, f"{self.at.tag} is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self.at)
        assert len(element.attributes) == len(attrs), attrs
        self.at.children.append(element)
        if tag not in self.VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, (self.at.tag, tag)
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def read(text: str) -> Element:
    """The elements of a page."""
    return Reader(text).root


def squeezed(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text))


# ── Everything is there ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_a_card_shows_the_claim_with_all_its_evidence(claim: claims.Claim) -> None:
    (card,) = [element for element in read(full_page()).all("article") if element.attributes.get("id") == claim.id]
    entry = next(entry for entry in _stored()["claims"] if entry["id"] == claim.id)
    rows = [[cell.text.strip() for cell in row.all("td", "th")] for row in card.all("tr")]
    assert card.all("math")
    assert squeezed(claim.title) in squeezed(card.text)
    for item in entry["evidence"]:
        ends = [item["engine"], f"{item['instances']:,}", reports.decisive([item]), f"{item['seconds']:.1f}"]
        assert any(item["kind"] in row[0] and [row[1], *row[3:]] == ends for row in rows if len(row) == 6), item[
            "scope"
        ]
    names = [squeezed(row[0]) for row in rows]
    for name in claim.hypotheses:
        assert squeezed(name) in names
    facts = [row[-1] for row in rows]
    for name, witness in entry["mutants"]["witnesses"].items():
        plain = [
            str(value)
            for value in witness["facts"].values()
            if isinstance(value, str | int) and value not in (True, False)
        ]
        assert any(all(value in fact for value in plain) for fact in facts), name
    assert "no witness" not in card.text
    assert "holds" in card.text


def test_the_summary_has_every_claim_and_the_verdict() -> None:
    (summary,) = [element for element in read(full_page()).all("section") if element.attributes.get("id") == "summary"]
    assert reports.verdict(_stored()) in summary.text
    rows = [[cell.text for cell in row.all("td", "th")] for row in summary.all("tr")][1:]
    assert [row[0] for row in rows] == [f"{claim.id} {claim.title}" for claim in claims.CLAIMS]
    cases = sum(int(row[3].replace(",", "")) for row in rows)
    assert f"{cases:,} cases" in summary.text


def test_the_matrix_shows_every_cell_and_why_it_fails() -> None:
    (section,) = [element for element in read(full_page()).all("section") if element.attributes.get("id") == "verdicts"]
    (table,) = section.all("table")
    header, *rows = [[cell.text for cell in row.all("td", "th")] for row in table.all("tr")]
    found = {(row[0], scheme): text for row in rows for scheme, text in zip(header[2:], row[2:], strict=True)}
    assert found == {(cell.task, cell.scheme): cell.text for cell in cells()}
    for cell in cells():
        for decision in cell.decisions:
            assert str(decision) in section.text
            assert decision.witness is None or str(decision.witness) in section.text


def test_provenance_names_what_made_the_report(report: dict[str, Any]) -> None:
    (section,) = [
        element for element in read(full_page()).all("section") if element.attributes.get("id") == "provenance"
    ]
    for text in (report["version"], report["profile"], *report["packages"], *report["packages"].values()):
        assert text in section.text
    digest = re.search(r"[0-9a-f]{64}", section.text)
    report["claims"][0]["evidence"][0]["instances"] += 1
    other = re.search(r"<dd>([0-9a-f]{64})", page(report))
    assert digest
    assert other
    assert digest[0] != other[1]


def test_the_same_report_gives_the_same_bytes(report: dict[str, Any]) -> None:
    assert page(report, cells=cells(), pictures=[PICTURE]) == full_page()


@pytest.mark.parametrize("name", RUNS)
def test_other_outcomes_are_shown(name: str) -> None:
    outcome, holds, status, verdict = RUNS[name]
    root = read(page(reports.build(outcome)))
    assert verdict in root.text
    (says,) = [element for element in root.all("p") if element.attributes.get("class") == "says"]
    assert says.text.strip()[0] == "✓✗?"[status]
    word = {True: "✓ holds", False: "✗ refuted", None: "? inconclusive"}[holds]
    assert word in next(row for row in root.all("tr") if "exact criterion" in row.text).text


def test_a_refutation_shows_its_witness_and_a_survivor_its_name() -> None:
    card = read(page(reports.build(made("refuted", mutants={"odd one": False})))).all("article")[0]
    assert "loss 1/2; n 3" in card.text
    assert json.loads(card.all("pre")[0].text)["facts"] == {"loss": "1/2", "n": 3}
    assert "✗ survives odd one" in " ".join(card.text.split())


def test_what_is_not_given_is_said_to_be_missing(report: dict[str, Any]) -> None:
    text = read(page(report)).text
    assert "--verdicts" in text
    assert "--figures" in text


# ── Nothing foreign ──────────────────────────────────────────────────────────────────────────────────────────────────


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;\x00"


def poisoned(data: Any, keep: tuple[str, ...]) -> Any:
    """The data with hostile text in every string, but for the values of some keys."""
    if isinstance(data, dict):
        return {
            key if key in SCHEMA_KEYS else HOSTILE + key: value if key in keep else poisoned(value, keep)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [poisoned(value, keep) for value in data]
    return HOSTILE + data if isinstance(data, str) else data


SCHEMA_KEYS = {
    "schema", "version", "seed", "profile", "interrupted", "seconds", "packages", "claims", "id", "title", "statement",
    "holds", "evidence", "kind", "engine", "scope", "instances", "witness", "mutants", "refuted", "total", "survivors",
    "witnesses", "necessity", "hypothesis", "facts",
}  # fmt: skip


def test_hostile_text_stays_text() -> None:
    built = reports.build(made("refuted", "proved", mutants={"m": True, "n": False}, necessity={"seen": True}))
    report = poisoned(built, ("id", "statement", "kind", "hypothesis"))
    cell = cells()[0]
    hostile_cell = verdicts.Cell(cell.task, cell.scheme, HOSTILE, cell.decisions)
    text = page(report, cells=[hostile_cell], pictures=[Picture(HOSTILE, "image/png", b"x", HOSTILE)])
    root = read(text)
    assert not root.all("script")
    assert len(root.all("img")) == 1
    assert not [name for element in root.walk() for name in element.attributes if name.startswith("on")]
    shown = HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert root.text.count("<script>alert") >= 12
    assert root.all("figcaption")[0].text == shown.lower()
    assert root.all("img")[0].attributes["alt"] == shown
    assert "\x00" not in text


def test_the_page_needs_no_network_and_no_script() -> None:
    root = read(full_page())
    assert not root.all("script", "iframe", "object", "embed", "base", "form")
    for element in root.walk():
        for name, value in element.attributes.items():
            if name in ("src", "href", "srcset", "action"):
                assert (value or "").startswith(("#", "data:")), value
    (style,) = root.all("style")
    assert not re.search(r"@import|url\(", "".join(map(str, style.children)))
    policy = [element.attributes.get("content") for element in root.all("meta") if "http-equiv" in element.attributes]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


# ── By keyboard and screen reader ────────────────────────────────────────────────────────────────────────────────────


def test_landmarks_headings_and_links() -> None:
    root = read(full_page())
    assert root.all("html")[0].attributes["lang"] == "en"
    for tag in ("header", "main", "footer", "title", "h1"):
        assert len(root.all(tag)) == 1, tag
    assert [element.attributes.get("aria-label") for element in root.all("nav")] == ["Contents"]
    levels = [int(element.tag[1]) for element in root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = root.all("a")
    assert links[0].attributes == {"class": "skip", "href": "#main"}
    for link in links:
        assert (link.attributes["href"] or "")[1:] in ids
        assert link.text.strip()
    for element in root.walk():
        label = element.attributes.get("aria-labelledby")
        assert label is None or label in ids
    assert not [element for element in root.walk() if (element.attributes.get("tabindex") or "0") not in ("0", "-1")]


def test_the_contents_list_what_is_there(report: dict[str, Any]) -> None:
    def listed(text: str) -> list[str]:
        return [link.text for link in read(text).all("nav")[0].all("ul")[0].all("a")]

    assert listed(page(report)) == ["Summary", "Claims", "Provenance"]
    assert listed(page(report, pictures=[PICTURE])) == ["Summary", "Claims", "Figures", "Provenance"]
    assert listed(full_page()) == ["Summary", "Claims", "Verdicts", "Figures", "Provenance"]


def test_a_figure_is_titled_by_what_it_shows(report: dict[str, Any], tmp_path: Path) -> None:
    svg = b"<svg><title id='t'>Mass &amp;\n length (T6)</title><text>x</text></svg>"
    (tmp_path / "one.svg").write_bytes(svg)
    (tmp_path / "two_b.svg").write_bytes(b"<svg></svg>")
    found = pictures_in(tmp_path)
    assert [picture.title for picture in found] == ["Mass & length (T6)", ""]
    captions = read(page(report, pictures=found)).all("figcaption")
    assert [caption.text for caption in captions] == ["Mass & length (T6)", "Two b"]
    assert [link.attributes["href"] for link in captions[0].all("a")] == ["#T6"]


def test_print_shows_all_of_it() -> None:
    style = "".join(map(str, read(full_page()).all("style")[0].children))
    printed = style[style.index("@media print") :]
    assert re.search(r"details::details-content \{ content-visibility: visible; block-size: auto; \}", printed)
    assert re.search(r"figure, tr, summary \{ break-inside: avoid; \}", printed)


def test_tables_have_captions_and_scopes() -> None:
    tables = read(full_page()).all("table")
    assert len(tables) == 2 + 3 * len(claims.CLAIMS)
    for table in tables:
        assert table.all("caption")[0].text.strip()
        header, *rows = table.all("tr")
        columns = [cell.text for cell in header.all("th")]
        assert all(cell.attributes["scope"] == "col" for cell in header.all("th"))
        for row in rows:
            assert [cell.attributes.get("scope") for cell in row.all("th")] == ["row"]
            assert [cell.attributes.get("data-column") for cell in row.all("td")] == columns[1:]
            assert all(cell.text.strip() for cell in row.all("td", "th"))


def test_pictures_have_alternatives_and_controls_have_labels() -> None:
    root = read(full_page())
    assert [image.attributes["alt"] for image in root.all("img")] == [PICTURE.alt]
    for control in root.all("input"):
        assert control.parent is not None
        assert control.parent.tag == "label"
    for details in root.all("details"):
        first = details.children[0]
        assert isinstance(first, Element)
        assert first.tag == "summary"
        assert first.text.strip()


def test_a_mark_never_speaks_by_colour_alone() -> None:
    for element in read(full_page()).walk():
        if element.attributes.get("class") in ("good", "bad", "unsure"):
            assert element.text.strip()[0] in "✓✗?■●◐∅k", element.text


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_those_of_the_figures() -> None:
    found = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6})", full_page()))
    for outcome, kind in OUTCOMES.items():
        drawn, here = (hue(colour) for colour in (verdict_matrix.OUTCOMES[outcome][0], found[f"{kind}-tint"]))
        assert abs(drawn - here) < 0.02, outcome


def hue(colour: str) -> float:
    """Where on the circle of colours it is."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return colorsys.rgb_to_hsv(red, green, blue)[0]


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast(mode: int) -> None:
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", full_page())
    colours = {name: luminance(pair[mode]) for name, *pair in found}
    assert len(colours) == 12
    pairs = [(text, back) for text in ("text", "muted", "link", "good", "bad", "unsure") for back in ("page", "card")]
    pairs += [(text, f"{tint}-tint") for tint in ("good", "bad", "unsure") for text in (tint, "muted")]
    for text, back in pairs:
        low, high = sorted((colours[text], colours[back]))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, back)


# ── In a browser ─────────────────────────────────────────────────────────────────────────────────────────────────────


PROBE = """<script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, found = {};
  for (const details of page.querySelectorAll("details")) details.open = true;
  for (const theme of ["light", "dark"]) {
    page.getElementById("theme-" + theme).checked = true;
    const style = frame.contentWindow.getComputedStyle(page.body);
    found[theme] = [style.color, style.backgroundColor];
  }
  for (const width of WIDTHS) {
    frame.style.width = width + "px";
    found[width] = [page.documentElement.scrollWidth, page.documentElement.clientWidth];
  }
  const box = page.querySelector("math mfrac").getBoundingClientRect();
  found.fraction = [box.width, box.height];
  page.querySelector("a.skip").focus();
  found.skip = page.querySelector("a.skip").getBoundingClientRect().left;
  document.body.dataset.found = JSON.stringify(found);
});
</script>"""


def probed(text: str, folder: Path, *widths: int) -> dict[str, Any]:
    """What a browser measures of a page in a frame of these widths, all details open."""
    file = folder / "probe.html"
    probe = PROBE.replace("WIDTHS", json.dumps(widths))
    frame = f'<iframe style="height:800px;border:0" srcdoc="{escape(text)}"></iframe>'
    file.write_text(f'<!doctype html><meta charset="utf-8"><body>{frame}{probe}', encoding="utf-8")
    done = browse(file, folder, "--dump-dom", "--virtual-time-budget=10000")
    match = re.search(r'data-found="([^"]*)"', done.stdout)
    assert match, done.stderr
    found: dict[str, Any] = json.loads(unescape(match[1]))
    return found


@needs_chromium
def test_no_console_errors_in_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(full_page(), encoding="utf-8")
    shot = tmp_path / "shot.png"
    done = browse(file, tmp_path, f"--screenshot={shot}", "--window-size=1200,900")
    assert "CONSOLE" not in done.stderr
    assert shot.stat().st_size > 20_000
    file.write_text(full_page().replace("<main", "<script>missing()</script><main"), encoding="utf-8")
    assert "CONSOLE" in browse(file, tmp_path, "--dump-dom").stderr  # the policy refuses it; so an error would be seen


@needs_chromium
def test_it_fits_a_phone_in_light_and_dark(tmp_path: Path) -> None:
    found = probed(full_page(), tmp_path, 320, 400, 1200)
    for width in (320, 400, 1200):
        scroll, client = found[str(width)]
        assert scroll <= client <= width
    assert found["light"] != found["dark"]
    assert found["fraction"][1] > found["fraction"][0] / 4 > 0  # a fraction is drawn as one, not on a line
    assert found["skip"] >= 0
    wide = full_page().replace("<main", '<div style="width:600px">wide</div><main')
    assert probed(wide, tmp_path, 400)["400"][0] > 400  # the measurement can fail


# ── What is refused, and the command ─────────────────────────────────────────────────────────────────────────────────


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another statement": (lambda report: report["claims"][0].update(statement="x"), "a report with another T1"),
    "an unknown claim": (lambda report: report["claims"][0].update(id="T99", statement=None), "a malformed report"),
    "no evidence": (lambda report: report["claims"][0].pop("evidence"), "a malformed report"),
    "an unknown kind": (lambda report: report["claims"][0]["evidence"][0].update(kind="x"), "a malformed report"),
    "no claims": (lambda report: report.update(claims=3), "a malformed report"),
    "no seconds": (lambda report: report.update(seconds="long"), "a malformed report"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_report_that_is_not_of_this_version_is_refused(report: dict[str, Any], change: str) -> None:
    apply, message = CHANGES[change]
    apply(report)
    with pytest.raises(InvalidArgument, match=message):
        page(report)


def test_verdicts_on_an_unknown_task_are_refused(report: dict[str, Any]) -> None:
    cell = cells()[0]
    with pytest.raises(InvalidArgument, match=r"page: argument task: got 'juggling'; expected one of sparse parity"):
        page(report, cells=[verdicts.Cell("juggling", cell.scheme, cell.scope, cell.decisions)])


def test_pictures_are_found_by_name_with_their_text(tmp_path: Path) -> None:
    svg, png = b"<?xml?>\n<svg></svg>", b"\x89PNG\r\n"
    for name, data in {"b.svg": svg, "b.png": png, "a.png": png, "b.txt": b"of\n b\n", "c.pdf": b"%PDF"}.items():
        (tmp_path / name).write_bytes(data)
    assert pictures_in(tmp_path) == [Picture("a", "image/png", png, "A"), Picture("b", "image/svg+xml", svg, "of b")]
    (tmp_path / "d.svg").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(InvalidArgument, match=r"d\.svg', which is no SVG"):
        pictures_in(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"which holds no \.svg and no \.png"):
        pictures_in(tmp_path)
    with pytest.raises(InvalidArgument, match="--figures"):
        pictures_in(tmp_path / "missing")


def test_the_command_writes_the_page_and_refuses_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored, table = str(DOCS / "full-report.json"), str(DOCS / "verdicts.json")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "addition_graph.png").write_bytes(PICTURE.data)
    (tmp_path / "figures" / "addition_graph.txt").write_text(PICTURE.alt, encoding="utf-8")
    assert main(["report", stored, "--html", "r.html", "--verdicts", table, "--figures", "figures"]) == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == full_page()
    for arguments, message in (
        ([stored], "expected at least one of them"),
        ([stored, "--junit", "r.xml", "--figures", "figures"], "expected --html as well"),
        ([stored, "--html", "missing/r.html"], "argument --html: got 'missing/r.html'"),
        ([stored, "--html", "r.html", "--verdicts", stored], "what `lengthgen verdicts --json` wrote"),
        ([table, "--html", "r.html"], "a report written by this program"),
        (["missing.json", "--html", "r.html"], "a readable file"),
    ):
        capsys.readouterr()
        assert main(["report", *arguments]) == 3
        assert message in capsys.readouterr().err
    assert not (tmp_path / "r.xml").exists()


def test_check_writes_the_page_of_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = RUNS["refuted"][0]

    def run(*arguments: Any, **options: Any) -> Run:
        return outcome

    monkeypatch.setattr("proofs_check.commands.check.run_tasks", run)
    assert main(["check", "--claim", "T1", "--html", "r.html", "--junit", "r.xml", "--json", "r.json"]) == 1
    built = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page(built)
    assert (tmp_path / "r.xml").read_text(encoding="utf-8").count("<failure") == 1
    assert "T1 is refuted." in capsys.readouterr().out
