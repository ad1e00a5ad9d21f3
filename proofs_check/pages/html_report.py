"""A report as one self-contained page: no network, no scripts, mathematics as MathML.

The page depends on the report, the verdicts and the pictures alone, so that the same data give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from importlib import resources
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

from idealized_model.text import read_text
from proofs_check.claims.finding import IDS
from proofs_check.pages.mathml import text_to_html
from proofs_check.report import Report, covered, decisive, verdict
from proofs_check.verdicts.deciding import SCHEMES, Cell
from proofs_check.verdicts.subjects import sparsity_of
from proofs_check.verdicts.table import LEGEND, to_data
from theory import claims
from theory.errors import InvalidArgument, number_of
from theory.tasks import find_task

TITLE = "lengthgen: the claims and their evidence"
GOOD, BAD, UNSURE = "good", "bad", "unsure"
STATUS = {True: (GOOD, "✓ holds"), False: (BAD, "✗ refuted"), None: (UNSURE, "? inconclusive")}
KINDS = {
    "proved": (GOOD, "■ proved"),
    "exhausted": (GOOD, "● exhausted"),
    "supported": (GOOD, "◐ supported"),
    "refuted": (BAD, "✗ refuted"),
    "inconclusive": (UNSURE, "? inconclusive"),
}
OUTCOMES = {"generalizes": GOOD, "fails": BAD, "unrealizable": UNSURE}
KINDS_OF_EVIDENCE = (
    "<p>Evidence is <em>proved</em> (a machine check of what the scope states, in general), <em>exhausted</em> (every "
    "instance of the stated finite scope), <em>supported</em> (random instances, or searches that found nothing), "
    "<em>refuted</em> or <em>inconclusive</em>. <em>Decisive</em> are the cases that could have refuted the claim. A "
    "<em>mutant</em> is a false variant of the claim that its families must refute; a scope says which mutants the check "
    "notices beside them; each hypothesis has a witness that the rest of the claim is false without it.</p>"
)
PICTURES = {".svg": ("image/svg+xml", b"<svg"), ".png": ("image/png", b"\x89PNG")}
"""{suffix: (media type, what stands near the start of such a file)}."""


@dataclass(frozen=True)
class Picture:
    """A figure to embed.

    Attributes
    ----------
    name : its file without the suffix.
    media : its media type.
    data : the bytes of the file.
    alt : what it shows, in words.
    title : of the figure, which names the claim that it is about; else its name.
    """

    name: str
    media: str
    data: bytes
    alt: str
    title: str = ""


def page(report: Report, *, cells: Sequence[Cell] = (), pictures: Sequence[Picture] = ()) -> str:
    """The page of a report that `check` made, or that was stored with --json.

    Parameters
    ----------
    report : as `proofs_check.report.build` gives it.
    cells : the verdict matrix; without any, the page says how to include it.
    pictures : what `pictures_in` found.

    Raises
    ------
    InvalidArgument : for what is no report, one whose claims read otherwise in this version, or verdicts of unknown tasks.

    Cost: linear in the report and the pictures.
    """
    try:
        sections = [
            _summary(report),
            section("claims", "Claims", KINDS_OF_EVIDENCE + "".join(map(_claim, report["claims"]))),
            section("verdicts", "Verdict matrix", _matrix(cells)),
            section("figures", "Figures", _figures(pictures)),
            section("provenance", "Provenance", _provenance(report, cells)),
        ]
        footer = f"Written by lengthgen {text(report['version'])} from {number_of(len(report['claims']), 'claim')}."
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(
            "html_report.page",
            "report",
            got=f"a malformed report ({type(error).__name__}: {error})",
            expected="a report that `lengthgen check --json` wrote",
            fix="Write it again with this version.",
        ) from None
    links = "".join(f'<li><a href="#{key}">{key}</a></li>' for key in (claim["id"] for claim in report["claims"]))
    there = {"verdicts": cells, "figures": pictures}
    names = [name for name in ("summary", "claims", "verdicts", "figures", "provenance") if there.get(name, True)]
    contents = "".join(f'<li><a href="#{name}">{name.capitalize()}</a></li>' for name in names)
    return document(TITLE, f'<ul>{contents}</ul><ul aria-label="Claims">{links}</ul>', sections, footer)


def document(title: str, contents: str, sections: Iterable[str], footer: str) -> str:
    """A page in the style of all of them, from pieces of HTML."""
    files = resources.files("proofs_check.pages")
    template, palette = (files.joinpath(name).read_text(encoding="utf-8") for name in ("report.html", "palette.css"))
    return Template(template).substitute(
        title=title, palette=palette.rstrip("\n"), contents=contents, sections="\n".join(sections), footer=footer
    )


def pictures_in(folder: str | Path) -> list[Picture]:
    """The figures of a folder, by name: NAME.svg, or NAME.png where there is no SVG, with their titles and alt text.

    The title is that of the SVG. Alt text is the text file NAME.txt; without one, the name.

    Raises
    ------
    InvalidArgument : when the folder cannot be read, holds no picture, or a file that is none.
    """
    found: dict[str, Picture] = {}
    try:
        for suffix, (media, sign) in PICTURES.items():
            for file in sorted(Path(folder).glob(f"*{suffix}")):
                data = file.read_bytes()
                if sign not in data[:4096]:
                    raise InvalidArgument(
                        "report",
                        "--figures",
                        got=f"{str(file)!r}, which is no {suffix[1:].upper()}",
                        expected="a folder of figures",
                        fix="Draw it again, or remove it.",
                    )
                text = file.with_suffix(".txt")
                alt = read_text(text) if text.is_file() else _title(file.stem)
                found.setdefault(file.stem, Picture(file.stem, media, data, " ".join(alt.split()), _titled(data)))
    except (OSError, UnicodeError) as error:
        raise InvalidArgument(
            "report",
            "--figures",
            got=f"{str(folder)!r} ({error})",
            expected="a folder of SVG or PNG files",
            fix="Check the folder.",
        ) from None
    if not found:
        raise InvalidArgument(
            "report",
            "--figures",
            got=f"{str(folder)!r}, which holds no .svg and no .png",
            expected="a folder with figures",
            fix="Draw them first: `python -m figures`.",
        )
    return [found[name] for name in sorted(found)]


# ── Pieces of HTML ───────────────────────────────────────────────────────────────────────────────────────────────────


def text(value: object) -> str:
    """Any text, escaped; control characters, which HTML does not have, become visible."""
    return escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", str(value)))


def _maths(text: str) -> str:
    """Text with formulas; a claim that it names is a link."""
    clean = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text)
    return text_to_html(clean, lambda claim: f"#{claim}" if claim in IDS else None)


def section(name: str, title: str, inner: str) -> str:
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">\n<h2 id="{name}-title">{title}</h2>\n{inner}\n</section>'
    )


def _mark(mark: tuple[str, str]) -> str:
    return f'<span class="{mark[0]}">{mark[1]}</span>'


@dataclass(frozen=True)
class _Cell:
    """What stands in a table: HTML, with a class."""

    html: str
    kind: str = ""


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str | _Cell]], kind: str = "") -> str:
    """A table whose first column heads its rows. Roles are written out: narrow pages show it as a list of blocks."""
    head = "".join(f'<th role="columnheader" scope="col"{_class(name)}>{name.strip()}</th>' for name in columns)
    lines = []
    for first, *others in rows:
        cells = [f'<th role="rowheader" scope="row">{_inner(first)}</th>']
        for name, cell in zip(columns[1:], others, strict=True):
            style = _class(name, cell.kind if isinstance(cell, _Cell) else "")
            cells.append(f'<td role="cell" data-column="{name.strip()}"{style}>{_inner(cell)}</td>')
        lines.append(f'<tr role="row">{"".join(cells)}</tr>')
    style = f' class="{kind}"' if kind else ""
    return (
        f'<table role="table"{style}><caption>{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{chr(10).join(lines)}\n</tbody></table>'
    )


def _inner(cell: str | _Cell) -> str:
    return cell.html if isinstance(cell, _Cell) else cell


def _class(column: str, kind: str = "") -> str:
    """A column whose name begins with a space holds numbers."""
    names = ["number"] * column.startswith(" ") + [kind] * bool(kind)
    return f' class="{" ".join(names)}"' if names else ""


# ── Sections ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(report: Report) -> str:
    rows = []
    settled = all(claim["holds"] for claim in report["claims"]) and not report["interrupted"]
    refuted = any(claim["holds"] is False or claim["mutants"]["survivors"] for claim in report["claims"])
    for claim in report["claims"]:
        kinds = dict.fromkeys(item["kind"] for item in claim["evidence"])
        found = sum(entry["witness"] is not None for entry in claim["necessity"])
        rows.append([
            f'<a href="#{text(claim["id"])}">{text(claim["id"])}</a> {text(claim["title"])}',
            _mark(STATUS[claim["holds"]]),
            ", ".join(_mark(KINDS[kind]) for kind in kinds),
            f"{sum(item['instances'] for item in claim['evidence']):,}",
            decisive(claim["evidence"]),
            f"{claim['mutants']['refuted']:,} of {claim['mutants']['total']:,}",
            f"{found:,} of {len(claim['necessity']):,}",
            f"{sum(item['seconds'] for item in claim['evidence']):.1f}",
        ])  # fmt: skip
    columns = ["claim", "status", "evidence", " cases", " decisive", " mutants refuted", " hypotheses shown necessary"]
    columns.append(" seconds")
    overall = STATUS[False if refuted else True if settled else None]
    says = f'<p class="says"><span class="{overall[0]}">{overall[1][0]}</span> {text(verdict(report))}</p>'
    return section("summary", "Summary", says + table("Every claim", columns, rows))


def _claim(entry: Mapping[str, Any]) -> str:
    key, mutants = entry["id"], entry["mutants"]
    words = vars(claims.get(key)) if key in IDS else entry
    if entry["statement"] != words["statement"]:
        raise InvalidArgument(
            "html_report.page",
            "report",
            got=f"a report with another {key}",
            expected="a report of this version",
            fix="Run `lengthgen check --json` again.",
        )
    witnesses = {item["hypothesis"]: item["witness"] for item in entry["necessity"]}
    assumed = ([_maths(name), _maths(what), _facts(witnesses.get(name))] for name, what in words["hypotheses"].items())
    evidence = (
        [
            _mark(KINDS[item["kind"]]),
            text(item["engine"]),
            _maths(covered(item)) + _statements(item) + _witness(item["witness"]),
            f"{item['instances']:,}",
            decisive([item]),
            f"{item['seconds']:.1f}",
        ]
        for item in entry["evidence"]
    )
    count = f"{mutants['refuted']:,} of {number_of(mutants['total'], 'mutant')} refuted"
    survivors = "".join(f"<li>{_mark((BAD, '✗ survives'))} {_maths(name)}</li>" for name in mutants["survivors"])
    refuted = ([_maths(name), _facts(witness)] for name, witness in mutants["witnesses"].items())
    parts = [
        f'<article class="claim" id="{key}" aria-labelledby="{key}-title">',
        f'<div class="row"><h3 id="{key}-title">{key}. {text(words["title"])}</h3>{_mark(STATUS[entry["holds"]])}</div>',
        f'<p class="statement">{_maths(words["statement"])}</p>',
        f"<p><strong>Tightness.</strong> {_maths(words['tightness'])}</p>" * bool(words["tightness"]),
        table(f"Evidence for {key}", ["evidence", "engine", "scope", " cases", " decisive", " seconds"], evidence),
        table(f"Hypotheses of {key}", ["hypothesis", "what is assumed", "without it"], assumed),
        f"<ul>{survivors}</ul>" * bool(survivors),
        f"<details><summary>{count}</summary>",
        table(f"Mutants of {key}", ["mutant", "refuted by"], refuted),
        f"</details><p>Check it: <code>lengthgen check --claim {text(entry.get('address', key))}</code></p></article>",
    ]
    return "\n".join(filter(None, parts))


def _statements(item: Mapping[str, Any]) -> str:
    """What a proof checker printed of the theorems, if it did."""
    printed = "\n\n".join(f"{name} : {statement}" for name, statement in item.get("statements", {}).items())
    return f"<details><summary>The statements</summary><pre>{text(printed)}</pre></details>" if printed else ""


def _witness(witness: Mapping[str, Any] | None) -> str:
    if witness is None:
        return ""
    data = json.dumps(witness, indent=1, ensure_ascii=False)
    return f"<p>{_facts(witness)}</p><details><summary>Witness to replay</summary><pre>{text(data)}</pre></details>"


def _facts(witness: Mapping[str, Any] | None) -> str:
    return _mark((UNSURE, "? no witness")) if witness is None else text(_said(witness["facts"]))


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = ((name.replace("_", " "), inner) for name, inner in value.items())
        return "; ".join(f"{name}{':' * isinstance(inner, Mapping)} {_said(inner)}" for name, inner in pairs)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _matrix(cells: Sequence[Cell]) -> str:
    if not cells:
        return (
            "<p>Not part of this page. Store it with <code>lengthgen verdicts --json verdicts.json</code> and pass "
            "<code>--verdicts verdicts.json</code>.</p>"
        )
    columns = list(dict.fromkeys(cell.scheme for cell in cells))
    rows, why = [], []
    for name, found in groupby(cells, key=lambda cell: cell.task):
        sparsity = sparsity_of(find_task(name, "html_report.page"))
        own = {cell.scheme: cell for cell in found}
        marks = [_Cell(text(own[c].text), OUTCOMES.get(own[c].outcome, "")) if c in own else "…" for c in columns]
        rows.append([text(name), sparsity, *marks])
        why.append(f"<details><summary>{text(name)}</summary>{_reasons(own)}</details>")
    what = "".join(f"<dt>{name}</dt><dd>{SCHEMES[name].what}</dd>" for name in columns)
    return (
        table("T1's verdict for every task and position scheme", ["task", "k", *columns], rows, "matrix")
        + f"<ul>{''.join(f'<li>{text(line)}</li>' for line in LEGEND)}</ul>"
        + f"<details><summary>The position schemes</summary><dl>{what}</dl></details>"
        + "<h3>Scopes, head classes and what shows each failure</h3>"
        + "".join(why)
    )


def _reasons(cells: Mapping[str, Cell]) -> str:
    items = []
    for scheme, cell in cells.items():
        if cell.open:
            items.append(f"<dt>{text(scheme)}</dt><dd>inconclusive: {text(cell.open)} ({text(cell.scope)})</dd>")
        for decision in cell.decisions:
            reason = "" if decision.witness is None else f"; {decision.witness}"
            items.append(f"<dt>{text(scheme)}</dt><dd>{text(f'{decision}{reason}')} ({text(cell.scope)})</dd>")
    return f"<dl>{''.join(items)}</dl>"


def _figures(pictures: Sequence[Picture]) -> str:
    if not pictures:
        return "<p>Not part of this page. Draw them and pass their folder with <code>--figures DIR</code>.</p>"
    return "\n".join(
        f"<figure><figcaption>{_maths(picture.title or _title(picture.name))}</figcaption>"
        '<label><input type="checkbox"> full size</label><div class="pane">'
        f'<img src="data:{picture.media};base64,{base64.b64encode(picture.data).decode()}" alt="{text(picture.alt)}"></div>'
        f"<details><summary>In words</summary><p>{text(picture.alt)}</p></details></figure>"
        for picture in pictures
    )


def _titled(svg: bytes) -> str:
    """What an SVG calls itself; nothing for other files."""
    match = re.search(rb"<title[^>]*>([^<]*)</title>", svg)
    return "" if match is None else " ".join(unescape(match[1].decode("utf-8", "replace")).split())


def _title(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _provenance(report: Report, cells: Sequence[Cell]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    repeat = f"lengthgen check --profile {report['profile']} --seed {report['seed']}"
    facts = {
        "Program": f"lengthgen {report['version']}",
        "Packages": packages,
        "Profile": report["profile"],
        "Seed": report["seed"],
        "Time": f"{report['seconds']:.0f} s"
        + "; interrupted, the report holds what was covered" * report["interrupted"],
        "SHA-256 of the report": _digest(report),
    }
    if cells:
        facts["SHA-256 of the verdicts"] = _digest(to_data(cells)["cells"])
    pairs = "".join(f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in facts.items())
    return f"<dl>{pairs}<dt>Repeat it</dt><dd><code>{text(repeat)}</code></dd></dl>"


def _digest(data: Any) -> str:
    """Of the data, whatever the layout of the file: as JSON with sorted keys and no spaces."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
