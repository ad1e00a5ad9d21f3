"""The site of the documents: `make docs` builds it with Sphinx and MyST.

The pages are plain Markdown that reads on a code-hosting site too; mathematics is `$…$`, which becomes MathML.
Docstrings are numpydoc with one difference, which `house_style` undoes before `sphinx.ext.napoleon` reads them: after
"name :" stands the meaning, not the type.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from inspect import isclass, isfunction, ismodule
from itertools import pairwise
from pathlib import Path
from typing import Any

project = "lengthgen"
author = copyright = "The lengthgen developers"
try:
    release = installed("lengthgen")
except PackageNotFoundError:
    release = "unknown"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"lengthgen {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_math_renderer = "mathml"
html_search_scorer = str(Path(__file__).parent / "_static" / "scorer.js")

# The anchors of headings that code-hosting sites make too.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

default_role = "code"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True, "no-value": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
maximum_signature_line_length = 90

# Types of other projects, and a few of ours that are no public names, have no page to link to.
nitpick_ignore_regex = [
    ("py:class", r"(abc|collections|fractions|matplotlib|networkx|numpy|nx|os|pathlib|typing)\..*"),
    (
        "py:class",
        r"Model|Fraction|Guarantees|Head|Ids|Outcome|Reason|Scores|Token|idealized_model\.transformer\.jax_engine\.JaxEngine"
        r"|proofs_check\.(advice|certification|claims|tasks)\..*"  # types of attributes, no public names
        r"|theory\.(guarantees\.Predicted|ranked\.RankedHead|soft\.SoftHead|dependencies\.(pointers\.View|sources\.Group))"
        r"|theory\.tasks\.(choosing\.Chosen|dense\.Dense|drawing\.Drawn|wrapped\.Wrapped)",
    ),
]

SECTION = re.compile(r"(Parameters|Attributes|Returns|Raises|Yields)\Z")
UNDERLINE = re.compile(r"-{3,}\Z")
ENTRY = re.compile(r"(?P<names>\S.*?) : (?P<meaning>.+)\Z")


def house_style(app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Put what follows "name :" on a line of its own, so that napoleon reads it as the description and not as a type.

    A paragraph after the entries ends their section; several attributes in one entry are one name; a vertical bar
    is a bar (|S|), not the start of a substitution.
    """
    out: list[str] = []
    section, doctest = "", False
    for i, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if i + 1 < len(lines) and UNDERLINE.match(lines[i + 1]):
            section = line if SECTION.match(line) else ""
        elif section and line and not line[0].isspace() and not UNDERLINE.match(line):
            entry = ENTRY.match(line)
            if entry is None and not lines[i - 1].strip():
                section = ""
                out.append("")  # two empty lines end a section
            elif entry is not None:
                out.append(entry["names"].replace(", ", ",") if section == "Attributes" else entry["names"])
                line = f"    {entry['meaning']}"
        out.append(line if doctest else line.replace("|", r"\|"))
    # Of a property, napoleon would take what stands before a colon in the first line for its type: not in a comment.
    lines[:] = ["..", "", *out] if what in ("attribute", "data", "property") else out


# ── Public names ─────────────────────────────────────────────────────────────────────────────────────────────────────


def public_names(package: str, first: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(directive, name) of every public name of a package but its modules, the `first` ones before the others."""
    module = import_module(package)
    first = list(first)
    for name in (*first, *(name for name in module.__all__ if name not in first)):
        value = getattr(module, name)  # a package may load its names when they are asked for
        if not ismodule(value):
            yield "autoclass" if isclass(value) else "autofunction" if isfunction(value) else "py:data", name


def documented(package: str, name: str) -> list[str]:
    """The docstring below a constant, where it is assigned."""
    for path in sorted(Path(str(import_module(package).__file__)).parent.rglob("*.py")):
        for node, below in pairwise(ast.parse(path.read_text(encoding="utf-8")).body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            own = any(isinstance(target, ast.Name) and target.id == name for target in targets)
            if own and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return str(below.value.value).splitlines()
    return []


def directives(package: str, first: Iterable[str] = ()) -> Iterator[str]:
    """A package and its public names, as lines of reStructuredText."""
    yield from (f".. automodule:: {package}", "   :no-members:", "")
    for kind, name in public_names(package, first):
        if kind == "py:data":
            yield from (f".. py:data:: {name}", f"   :module: {package}", "")
            yield from (f"   {line}" for line in documented(package, name))
        else:
            yield f".. {kind}:: {package}.{name}"
        yield ""


# ── Mathematics ──────────────────────────────────────────────────────────────────────────────────────────────────────


def mathml(tex: str, *, display: bool = False) -> str:
    """A formula as MathML: signs that are written as themselves are operators, words in roman one identifier."""
    from latex2mathml.converter import convert

    # Written with the subscript inside, as "}_" begins emphasis on some sites.
    tex = re.sub(r"\\mathrm\{([^{}_]+)_(\w)\}", r"{\\mathrm{\1}}_{\2}", tex)
    out = str(convert(tex, display="block" if display else "inline"))
    out = re.sub(r"<mi>((?:&#x[0-9A-F]+;|[^\w\s&<]))</mi>", r"<mo>\1</mo>", out)
    roman = re.compile(r'(?:<mi mathvariant="normal">\w</mi>){2,}')
    return roman.sub(lambda word: f"<mi>{re.sub('<[^>]*>', '', word[0])}</mi>", out)


def plain_mathematics(doctree: Any) -> None:
    """Formulas that are written as plain text, as the claims' statements are, become MathML below the page's title."""
    from docutils import nodes

    from proofs_check.pages.mathml import text_to_html

    verbatim = (nodes.FixedTextElement, nodes.literal, nodes.reference, nodes.title)
    for section in doctree.findall(nodes.section):
        if not isinstance(section.parent, nodes.section):
            continue
        for text in list(section.findall(nodes.Text)):
            above: Any = text.parent
            while above is not section and not isinstance(above, verbatim):
                above = above.parent
            if above is section:
                text.parent.replace(text, nodes.raw("", text_to_html(str(text)), format="html"))


def setup(app: Any) -> None:
    from docutils import nodes
    from docutils.parsers.rst import directives as options
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Public(SphinxDirective):
        """A package, and all of its public names."""

        required_arguments = 1
        option_spec = {"first": options.unchanged}  # noqa: RUF012

        def run(self) -> list[nodes.Node]:
            first = re.findall(r"\w+", self.options.get("first", ""))
            node = nodes.container()
            self.state.nested_parse(StringList([*directives(self.arguments[0], first)], ""), self.content_offset, node)
            return node.children

    def inline(self: Any, node: nodes.Element) -> None:
        self.body.append(mathml(node.astext()))
        raise nodes.SkipNode

    def block(self: Any, node: nodes.Element) -> None:
        self.body.append(f'<div class="math" tabindex="0">{mathml(node.astext(), display=True)}</div>')
        raise nodes.SkipNode

    def explorer(app: Any, error: Exception | None) -> None:
        from proofs_check.pages.explorer import page, stored

        if error is None and app.builder.name == "html":
            folder = Path(app.outdir, "explorer")
            folder.mkdir(exist_ok=True)
            (folder / "index.html").write_text(page(stored()), encoding="utf-8")

    def resolved(app: Any, doctree: nodes.document, docname: str) -> None:
        if docname == "claims" and app.builder.format == "html":
            plain_mathematics(doctree)

    app.add_directive("public", Public)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("autodoc-process-docstring", house_style, priority=400)  # napoleon has 500
    app.connect("doctree-resolved", resolved)
    app.connect("build-finished", explorer)
