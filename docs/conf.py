"""The site of the documents: `make docs` builds it with Sphinx and MyST.

The pages are plain Markdown that reads on a code-hosting site too. Docstrings are numpydoc with one difference, which
`house_style` undoes before `sphinx.ext.napoleon` reads them: after "name :" stands the meaning, not the type.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
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

# The anchors of headings that code-hosting sites make too.
myst_heading_anchors = 4

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
        r"|theory\.(guarantees\.Predicted|dependencies\.(pointers\.View|sources\.Group))"
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


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", house_style, priority=400)  # napoleon has 500
