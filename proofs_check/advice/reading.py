"""What advice is asked about: a file of examples, a task, or a function in a module of one's own.

>>> named("copy").name
'copy'
>>> tokens("b a  b", "words", "line 1"), tokens("bab", "chars", "line 1")
(('b', 'a', 'b'), ('b', 'a', 'b'))
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from idealized_model.text import read_text
from theory.dependencies.sources import CALL_SECONDS, limited
from theory.errors import InvalidArgument, check, check_one_of, did_you_mean, shown, typed
from theory.modules import Asked, as_module, imported, is_dotted, is_file, look_first, member
from theory.tasks import TASKS, Task, find_task

Token: TypeAlias = int | str
Pair: TypeAlias = tuple[tuple[Token, ...], tuple[Token, ...]]
Tokenize: TypeAlias = Literal["chars", "words"]

FORM = "module:function, a file of examples as .jsonl, or the name of a task"
ASKED = Asked("advise", "source", FORM, "generate")


def named(spec: str, tokenize: Tokenize | None = None) -> object:
    """What a name on the command line means: pairs of a file, a task, or a function.

    Raises
    ------
    InvalidArgument : for a name of nothing, a file that is no JSONL of examples, and a module that cannot be imported.
    """
    if spec.endswith((".jsonl", ".ndjson")):
        return pairs_of(spec, tokenize)
    if is_file(spec) and ":" not in spec and not spec.endswith((".py", ".pyw")):
        raise ASKED.refused(repr(spec), "Examples are read from a file whose name ends in .jsonl.")
    module_name, colon, path = spec.partition(":")
    if not colon:
        return find_task(spec, "advise")
    if is_file(spec):
        raise ASKED.refused(repr(spec), as_module(spec, "generate"))
    if not is_dotted(module_name) or not is_dotted(path):
        return find_task(spec, "advise")
    module = imported(module_name, spec, ASKED, look_first(None), [*TASKS])
    fix, expected = "Write a function of a prompt, or of a length and a generator.", "a function"
    found = member(module, path, spec, ASKED, _there, fix, expected)
    if isinstance(found, Task) or (isinstance(found, type) and issubclass(found, Task)):
        return find_task(spec, "advise")
    if isinstance(found, type):
        return found()
    return found


def _there(found: object, part: str) -> str:
    """What an object has in place of a part that it lacks."""
    has = [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
    return did_you_mean(part, has, "Check the spelling.")


# ── Files of examples ────────────────────────────────────────────────────────────────────────────────────────────────


def pairs_of(path: str, tokenize: Tokenize | None = None) -> list[Pair]:
    """The examples of a file: a line each, {"prompt": ..., "output": ...}, lists of tokens or strings.

    Other fields, and empty lines, are passed over.

    Parameters
    ----------
    tokenize : what strings are made of, "chars" or "words"; None where there are no strings.

    Raises
    ------
    InvalidArgument : for a file that cannot be read or has no examples, and with its number for a line that is no example,
        or one of another kind than the first: strings among lists, numbers among words.
    """
    if tokenize is not None:
        check_one_of(tokenize, ("chars", "words"), "advise", "--tokenize")
    try:
        text = read_text(Path(path))
    except (OSError, UnicodeError) as error:
        reason, fix = getattr(error, "strerror", None) or str(error), "Check the path."
        if isinstance(error, UnicodeError):
            fix = "Write it again as UTF-8."
        raise InvalidArgument(
            "advise", "source", got=f"{path!r}: {reason}", expected="a readable file", fix=fix
        ) from None
    pairs: list[Pair] = []
    kinds: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            at = f"{path}, line {number}"
            pairs.append(_pair(line, at, tokenize, kinds))
    fix = 'Write a line an example, such as {"prompt": ["a", "b"], "output": ["b"]}.'
    check(pairs, "advise", "source", got=f"{path!r}, which has no examples", expected="at least one example", fix=fix)
    return pairs


def _pair(line: str, at: str, tokenize: Tokenize | None, kinds: dict[str, str]) -> Pair:
    """The example of a line; `kinds` has what the lines before are made of."""
    fix = 'Write {"prompt": [...], "output": [...]}.'
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidArgument("advise", at, got=f"no JSON ({reason})", expected="an example as JSON", fix=fix) from None
    check(isinstance(data, dict), "advise", at, got=typed(data), expected="an object with prompt and output", fix=fix)
    lacking = [name for name in ("prompt", "output") if name not in data]
    got = f"an object with {', '.join(map(repr, data)) or 'nothing'}"
    check(not lacking, "advise", at, got=got, expected=f"one with {' and '.join(map(repr, lacking))}", fix=fix)
    made = []
    for name in ("prompt", "output"):
        value = data[name]
        kind = "a string" if isinstance(value, str) else "a list"
        check_kind(kinds, "strings and lists", kind, f"{at}, {name}")
        own = tokens(value, tokenize, f"{at}, {name}")
        check(own, "advise", f"{at}, {name}", got="no tokens", expected="at least one token", fix="Leave the line out.")
        for token in own:
            check_kind(kinds, "numbers and words", "numbers" if isinstance(token, int) else "words", f"{at}, {name}")
        made.append(own)
    return made[0], made[1]


def check_kind(kinds: dict[str, str], of: str, kind: str, at: str) -> None:
    """Refuse a file that mixes kinds; the first line says which it has.

    Raises
    ------
    InvalidArgument
    """
    first = kinds.setdefault(of, kind)
    fix = "Write all lines in one way."
    check(first == kind, "advise", at, got=kind, expected=f"{first}, as in the lines before", fix=fix)


def tokens(value: Any, tokenize: Tokenize | None, at: str) -> tuple[Token, ...]:
    """The tokens of a prompt or an output.

    Raises
    ------
    InvalidArgument : for what is neither a list of ints and strings nor a string that `tokenize` says how to read.
    """
    if isinstance(value, str):
        fix = "Add --tokenize chars, or --tokenize words."
        check(tokenize is not None, "advise", at, got=typed(value), expected="a list of tokens", fix=fix)
        return tuple(value) if tokenize == "chars" else tuple(value.split())
    check(
        isinstance(value, list),
        "advise",
        at,
        got=typed(value),
        expected="a list of tokens, or a string",
        fix="Write [...].",
    )
    for token in value:
        fine = isinstance(token, str) or (isinstance(token, int) and not isinstance(token, bool))
        fix = "Name every token by a number or a word."
        check(fine, "advise", at, got=f"the token {shown(token)}", expected="an integer or a string", fix=fix)
    return tuple(value)


def alphabet_of(text: str) -> tuple[Token, ...]:
    """The tokens of --alphabet, with commas between; numbers where all are.

    Examples
    --------
    >>> alphabet_of("0,1"), alphabet_of("a,b,0"), alphabet_of("a b")
    ((0, 1), ('a', 'b', '0'), ('a b',))

    Raises
    ------
    InvalidArgument : for a token without a name.
    """
    words = [word.strip() for word in text.split(",")]
    fix = "Write for instance --alphabet 0,1."
    check(all(words), "advise", "--alphabet", text, expected="tokens with commas between", fix=fix)
    return tuple(map(int, words)) if _all_numbers(words) else tuple(words)


def as_asked(source: object, alphabet: tuple[Token, ...]) -> tuple[Token, ...]:
    """The alphabet as the function takes it: numbers, or words where it fails on numbers, or answers with words.

    Examples
    --------
    >>> as_asked(lambda prompt: (sum(prompt),), (0, 1)), as_asked(lambda prompt: ("".join(prompt),), (0, 1))
    ((0, 1), ('0', '1'))
    """
    solve = getattr(source, "solve", source)
    if not callable(solve) or not all(isinstance(token, int) for token in alphabet):
        return alphabet
    words = tuple(map(str, alphabet))
    if _answers(solve, alphabet) in (None, str) and _answers(solve, words) is str:
        return words
    return alphabet


def _answers(solve: Any, alphabet: tuple[Token, ...]) -> type | None:
    """The type of the first token of an answer; None where there is none."""
    try:
        return type(next(iter(limited(CALL_SECONDS, solve, (*alphabet, alphabet[0])))))
    except BaseException as error:  # of the user's own code: what is asked next says what goes wrong
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def _all_numbers(words: Iterable[str]) -> bool:
    return all(word.isascii() and word.removeprefix("-").isdigit() for word in words)
