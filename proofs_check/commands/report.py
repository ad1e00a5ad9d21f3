"""`lengthgen report`: a stored report as a page, as JUnit XML, or both."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from proofs_check.commands.output import every_one, require_writable
from proofs_check.commands.parser import Parser
from proofs_check.problem_files import read_data, write_text
from proofs_check.report import witnesses
from theory.errors import InvalidArgument


def add_options(parser: Parser) -> None:
    """The report, and its forms."""
    parser.description = (
        "Write a stored report as one self-contained page, as JUnit XML, or both, without checking again."
    )
    parser.epilog = "example: lengthgen report docs/full-report.json --verdicts docs/verdicts.json --html report.html"
    parser.add_argument("report", help="a JSON report that `check` wrote")
    add_outputs(parser)


def run(options: Namespace) -> int:
    """Write what was asked for."""
    if not (options.html or options.junit):
        raise InvalidArgument(
            "report", "--html, --junit", got="neither", expected="at least one of them", fix="Say what to write."
        )
    write_pages = writing_pages(options)
    report = read_data(options.report, "report")
    witnesses(report, options.report)  # refuses what is no report
    write_pages(report)
    return 0


def add_outputs(parser: Parser) -> None:
    """The forms of a report beside the table and JSON."""
    parser.add_argument("--html", metavar="FILE", help="write the report as one self-contained page")
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML, for continuous integration")
    parser.add_argument("--verdicts", metavar="FILE", help="what `verdicts --json` wrote, for the page")
    parser.add_argument("--figures", metavar="DIR", help="a folder of SVG or PNG files, for the page")


def writing_pages(options: Namespace) -> Callable[[dict[str, Any]], None]:
    """What writes the page and the JUnit file that are asked for; what it embeds is read before any work.

    Raises
    ------
    InvalidArgument : for a file that cannot be written, verdicts or figures that cannot be read, or no page to put them on.
    """
    if not any((options.html, options.junit, options.verdicts, options.figures)):
        return lambda report: None
    from proofs_check.pages import html_report, junit
    from proofs_check.verdicts.table import from_data

    for option in ("html", "junit"):
        require_writable(getattr(options, option), options.command, f"--{option}")
    for option in ("verdicts", "figures"):
        if getattr(options, option) and not options.html:
            raise InvalidArgument(
                options.command,
                f"--{option}",
                got=repr(getattr(options, option)),
                expected="--html as well",
                fix="It goes on the page.",
            )
    cells = from_data(read_data(options.verdicts, "--verdicts")) if options.verdicts else []
    pictures = html_report.pictures_in(options.figures) if options.figures else []

    def write(report: dict[str, Any]) -> None:
        with every_one() as done:
            if options.html:
                text = html_report.page(report, cells=cells, pictures=pictures)
                done(write_text, options.html, text, f"{options.command} --html")
            if options.junit:
                done(write_text, options.junit, junit.xml(report), f"{options.command} --junit")

    return write
