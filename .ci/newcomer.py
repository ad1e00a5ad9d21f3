"""A newcomer's path, with an installed wheel: the README's example, a task of one's own checked, a figure drawn.

    python .ci/newcomer.py CHECKOUT

It does what README.md and docs/your-own-task.md say, to the letter: their code is run, and their commands. It also
counts the words on the way: five minutes of reading.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

WORDS_A_MINUTE = 230
MINUTES = 5

ON_THE_WAY = {
    "README.md": ("lengthgen", "Two commands", "Perfect up to length 3, wrong from 4 on", "Three doors"),
    "docs/your-own-task.md": ("A task of your own", "Write it", "Check it"),
}
"""The sections that lead from the README to the figure."""


def section(page: str, title: str) -> str:
    """A section of a page, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def reading_time(pages: dict[str, str]) -> float:
    """Minutes to read the sections on the way; code is looked at, not read."""
    text = "".join(section(pages[name], title) for name, titles in ON_THE_WAY.items() for title in titles)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return sum(any(map(str.isalnum, word)) for word in prose.split()) / WORDS_A_MINUTE


def task_module(page: str) -> str:
    """The first class of the page as a module, as its reader would write it."""
    block = re.search(r"^```python\n(.*?)^```$", section(page, "Write it"), re.MULTILINE | re.DOTALL)
    assert block, "there is no code to copy"
    code = [example.source for example in doctest.DocTestParser().get_examples(block[1])]
    return "".join(source for source in code if source.startswith(("from ", "import ", "class ")))


def command(page: str, start: str) -> list[str]:
    """The first command of a page that starts so, with the installed programs."""
    found = re.search(rf"^\$ ({re.escape(start)}.*)$|`({re.escape(start)}[^`\n]*)`", page, re.MULTILINE)
    assert found, f"no command starts with {start!r}"
    name, *arguments = shlex.split(found[1] or found[2], comments=True)
    program = sys.executable if name == "python" else str(Path(sysconfig.get_path("scripts")) / name)
    return [program, *arguments]


def run(words: list[str], folder: Path, *, expected: int = 0) -> str:
    """What a command prints, run in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expected, f"{shlex.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def main(checkout: Path) -> None:
    pages = {name: (checkout / name).read_text(encoding="utf-8") for name in ON_THE_WAY}
    minutes = reading_time(pages)
    assert minutes <= MINUTES, f"{minutes:.1f} minutes of reading"
    print(f"newcomer: {minutes:.1f} minutes of reading")

    failed, examples = doctest.testfile(str(checkout / "README.md"), module_relative=False)
    assert examples > failed == 0
    print(f"newcomer: {examples} examples of the README run")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = pages["docs/your-own-task.md"]
        module = task_module(page)
        (folder / "mytasks.py").write_text(module, encoding="utf-8")
        printed = run(command(page, "lengthgen task mytasks:"), folder)
        assert "12 of 12 contracts hold." in printed, printed
        wrong = module.replace("return max(read)", "return read[-1]")  # forgets the maximum so far
        assert wrong != module
        (folder / "mytasks.py").write_text(wrong, encoding="utf-8")
        printed = run(command(page, "lengthgen task mytasks:"), folder, expected=1)
        assert re.search(r"target is a function of what is read +refuted", printed), printed
        print("newcomer: a task of one's own holds, and a wrong one is refuted")

        run(drawing := command(pages["README.md"], "python -m figures dependencies"), folder)
        picture = folder / drawing[drawing.index("--out") + 1]
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), "that is no PNG file"
        print(f"newcomer: {picture.name} drawn, {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
