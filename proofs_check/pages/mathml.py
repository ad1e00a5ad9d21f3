"""Formulas in running text as MathML: the statements of `theory.claims` are plain text, the page shows mathematics.

>>> text_to_html("losses <= 1/k & more")
'losses <math><mo form="infix">≤</mo><mfrac><mn>1</mn><mi>k</mi></mfrac></math> &amp; more'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

RELATIONS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">", "=": "=", "∈": "∈", "⊆": "⊆", "⊇": "⊇", "≈": "≈"}
SUMS = {"+": "+", "-": "−", "−": "−", "∩": "∩", "∪": "∪", "⊗": "⊗", "..": "…"}
PRODUCTS = {"·": "·", "×": "×", "mod": "mod"}
FUNCTIONS = ("exp", "log", "ln", "max", "min")

_CLAIM = re.compile(r"T\d+[a-z]?\b")
_ENUMERATOR = re.compile(r"\((?:[a-c]|i{1,3})\)")
_PROSE = re.compile(r"(?:\w\.){2,}|['’]\w+|\w+(?:['’]\w+)*|\s+|.", re.DOTALL)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?(?:e-?\d+)?(?![\d_])")
_LETTER = re.compile(r"[A-Za-zΑ-Ωα-ω𝒞𝒦𝒴𝒱](?![A-Za-zΑ-Ωα-ω])")
_LATIN_NUMBER = re.compile(r"[A-Za-z]\d")
_EXPECTATION = re.compile(r"\[([^\[\]]+)\]")
_FUNCTION = re.compile(rf"(?:{'|'.join(FUNCTIONS)})\b|[a-z]{{2,}}(?=\([a-z]'?\))")  # log, max; views(e)
_GREEK = re.compile(r"[Α-Ωα-ω]")
_THIN = '<mspace width="0.17em"></mspace>'
_LONG = 24
_LONGEST = 300
_DEEPEST = 12


def text_to_html(text: str, link: Callable[[str], str | None] = lambda claim: None) -> str:
    """The text as HTML, escaped, every formula in it a `math` element.

    A formula is the longest stretch that reads as one: single letters with sub- and superscripts, numbers, sums,
    products, fractions, C(n, k) as a binomial coefficient, sums Σ, relations. Numbers alone stay text, and so does "a"
    where it may be the article. A long chain of relations becomes one `math` element a relation, so that lines break.

    Parameters
    ----------
    link : for a claim that the text names ("T3"), where it is found on the page; None for no link.

    Examples
    --------
    >>> text_to_html("a head of arity k")
    'a head of arity <math><mi>k</mi></math>'
    >>> text_to_html("see T2", {"T2": "#T2"}.get)
    'see <a href="#T2">T2</a>'

    Cost: linear in the text, for brackets of bounded depth.
    """
    out, at = [], 0
    while at < len(text):
        claim = _CLAIM.match(text, at)
        if claim and (target := link(claim[0])) is not None:
            out.append(f'<a href="{escape(target)}">{claim[0]}</a>')
            at = claim.end()
            continue
        enumerator = _ENUMERATOR.match(text, at)
        formula = None if claim or enumerator else _Reader(text, at).formula()
        if formula is not None:
            html, at = formula
            out.append(html)
            continue
        word = claim or enumerator or _PROSE.match(text, at)
        assert word is not None  # the last alternative takes any character
        out.append(escape(word[0]))
        at = word.end()
    return "".join(out)


class _NoFormulaError(Exception):
    """What stands here is no formula."""


class _Reader:
    """Recursive descent over the text from a position on; every method returns MathML, or leaves the position."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.start, self.at, self.depth = text, at, at, 0
        self.letters = self.operators = 0

    def formula(self) -> tuple[str, int] | None:
        """The `math` elements that start here and where they end; None for what is no formula."""
        start = self.at
        try:
            links = self._chain(leading=True)
        except _NoFormulaError:
            return None
        source = self.text[start : self.at]
        article = source in ("a", "A", "I") and not re.match(r" is\b", self.text[self.at :])
        if article or not (self.letters or self.operators) or re.match(r"\w", self.text[self.at : self.at + 1]):
            return None
        groups = links if len(source) > _LONG else ["".join(links)]
        return " ".join(f"<math>{group}</math>" for group in groups), self.at

    def _chain(self, *, leading: bool = False) -> list[str]:
        """sum (relation sum)*; with `leading` a relation may come first."""
        first = self._operator(RELATIONS) if leading else None
        links = [(first or "") + self._sum()]
        while (found := self._continued(RELATIONS, self._sum)) is not None:
            links.append("".join(found))
        return links

    def _sum(self) -> str:
        minus = ""
        if self.depth and self.text.startswith("-", self.at):
            self.at += 1
            minus = '<mo form="prefix">−</mo>'
        out = minus + self._product()
        while (found := self._continued(SUMS, self._product)) is not None:
            out += "".join(found)
        return out

    def _product(self) -> str:
        """factor (product sign factor | / factor | factor)*; a quotient takes all that stands before it."""
        parts = [self._factor()]
        while True:
            before = self.at
            found = self._continued(PRODUCTS, self._factor)
            if found is not None:
                parts += found
            elif (below := self._continued({"/": "/"}, self._factor)) is not None:
                parts = [_quotient("".join(parts), below[1])]
            elif self._beside():
                try:
                    thin = _THIN if _FUNCTION.match(self.text, self.at) else ""
                    parts += ["<mo>&#x2062;</mo>", thin, self._factor()]
                except _NoFormulaError:
                    self.at = before
                    return "".join(parts)
            else:
                return "".join(parts)

    def _beside(self) -> bool:
        """Whether a factor without a product sign follows: 2k, (n-1)exp(-Δ), 2 max |C|."""
        last, rest = self.text[self.at - 1], self.text[self.at :]
        if rest.startswith(" ") and _FUNCTION.match(rest, 1):
            self.at += 1
            return True
        return bool(
            (last.isdigit() and re.match(r"[^\W\d_]|\(", rest)) or (last == ")" and re.match(r"[^\W_]|\(", rest))
        )

    def _factor(self) -> str:
        """An atom with at most one power, or a factorial sign."""
        out = self._atom()
        sign = self.text[self.at : self.at + 1]
        if sign not in ("!", "^", "²", "³"):
            return out
        self.at += 1
        self.operators += 1
        if sign == "!":
            return f"<mrow>{out}<mo>!</mo></mrow>"
        power = f"<mn>{'23'['²³'.index(sign)]}</mn>" if sign != "^" else _row(_bare(self._atom()))
        return f"<msup>{_row(out)}{power}</msup>"

    def _atom(self) -> str:
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return f"<mn>{number[0]}</mn>"
        if self.text.startswith("Σ_", self.at):
            self.at += 1
            sign = f'<msub><mo largeop="false">∑</mo>{self._subscript()}</msub>'
            self._skip(" ")
            return sign + self._product()
        if function := _FUNCTION.match(self.text, self.at):
            self.at = function.end()
            self.letters += 1
            self._skip(" ")
            thin = "" if self.text.startswith("(", self.at) else _THIN
            return f"<mi>{function[0]}</mi><mo>&#x2061;</mo>{thin}{self._factor()}"
        for opening, closing in (("(", ")"), ("|", "|"), ("{", "}")):
            if self.text.startswith(opening, self.at):
                self.letters += opening != "("
                return f"<mrow><mo>{opening}</mo>{self._inside(closing)}<mo>{closing}</mo></mrow>"
        return self._letter()

    def _letter(self) -> str:
        letter = _LETTER.match(self.text, self.at)
        if letter is None or _LATIN_NUMBER.match(self.text, self.at) or re.match(r"\.\w", self.text[letter.end() :]):
            raise _NoFormulaError
        self.at = letter.end()
        self.letters += 1
        out = f"<mi>{letter[0]}</mi>"
        if _GREEK.match(letter[0]) and (digits := re.compile(r"\d+").match(self.text, self.at)):
            self.at = digits.end()
            out = f"<msub>{out}<mn>{digits[0]}</mn></msub>"
        elif self.text.startswith("_", self.at):
            out = f"<msub>{out}{self._subscript()}</msub>"
        for mark, sign in (("*", "*"), ("'", "′")):
            if re.compile(rf"{re.escape(mark)}(?!\w)").match(self.text, self.at):
                self.at += 1
                out = f"<msup>{out}<mo>{sign}</mo></msup>"
        return self._called(letter[0], out)

    def _called(self, name: str, out: str) -> str:
        """What stands in brackets right after a letter: arguments, a factor; C(n, k) is a binomial coefficient."""
        start, letters, operators = self.at, self.letters, self.operators
        try:
            if self.text.startswith("(", start):
                arguments = self._arguments(")")
                if name == "C" and len(arguments) == 2 and out == "<mi>C</mi>":
                    over = "".join(_row(argument) for argument in arguments)
                    return f'<mrow><mo>(</mo><mfrac linethickness="0">{over}</mfrac><mo>)</mo></mrow>'
                product = len(arguments) == 1 and self.operators > operators and name not in ("O", "Θ")
                joined = "<mo>,</mo>".join(arguments)
                return f"{out}<mo>{'&#x2062;' if product else '&#x2061;'}</mo><mrow><mo>(</mo>{joined}<mo>)</mo></mrow>"
            if name == "E" and (of := _EXPECTATION.match(self.text, start)):
                self.at = of.end()
                return f"{out}<mrow><mo>[</mo><mtext>{escape(of[1])}</mtext><mo>]</mo></mrow>"
        except _NoFormulaError:
            self.at, self.letters, self.operators = start, letters, operators
        return out

    def _subscript(self) -> str:
        """What follows an underscore: a word, or a formula in brackets."""
        self.at += 1
        if self.text.startswith("(", self.at):
            return _row(self._inside(")"))
        word = re.compile(r"[^\W_]+").match(self.text, self.at)
        if word is None:
            raise _NoFormulaError
        self.at = word.end()
        return f"<mn>{word[0]}</mn>" if word[0].isdigit() else f"<mi>{word[0]}</mi>"

    def _inside(self, closing: str) -> str:
        return "<mo>,</mo>".join(self._arguments(closing))

    def _arguments(self, closing: str) -> list[str]:
        """The formulas between an opening bracket, where the position is, and a closing one."""
        if self.depth == _DEEPEST:
            raise _NoFormulaError
        self.at += 1
        self.depth += 1
        try:
            arguments = ["".join(self._word() or self._chain())]
            while self.text.startswith(",", self.at):
                self.at += 1
                self._skip(" ")
                arguments.append("".join(self._chain()))
        finally:
            self.depth -= 1
        if not self.text.startswith(closing, self.at):
            raise _NoFormulaError
        self.at += len(closing)
        return arguments

    def _word(self) -> str | None:
        """Two letters alone in brackets are their product, as in c(xy)."""
        pair = re.compile(r"([a-z])([a-z])(?=\))").match(self.text, self.at)
        if pair is None:
            return None
        self.at = pair.end()
        return f"<mi>{pair[1]}</mi><mo>&#x2062;</mo><mi>{pair[2]}</mi>"

    def _continued(self, operators: dict[str, str], operand: Callable[[], str]) -> list[str] | None:
        """An operator and an operand; or None, where they do not follow, or the formula gets too long."""
        if self.at - self.start > _LONGEST:
            return None
        before = self.at, self.letters, self.operators
        try:
            self._skip(" ")
            sign = self._operator(operators)
            if sign is not None:
                return [sign, operand()]
        except _NoFormulaError:
            pass
        self.at, self.letters, self.operators = before
        return None

    def _operator(self, operators: dict[str, str]) -> str | None:
        for written, sign in operators.items():
            if self.text.startswith(written, self.at):
                self.at += len(written)
                self.operators += 1
                self._skip(" ")
                return f'<mo form="infix">{escape(sign)}</mo>'
        return None

    def _skip(self, what: str) -> None:
        if self.text.startswith(what, self.at):
            self.at += len(what)


def _quotient(above: str, below: str) -> str:
    """A fraction; counts such as 15045/30000 stay on the line."""
    if re.fullmatch(r"<mn>\d{3,}</mn>", below) and re.fullmatch(r"<mn>\d+</mn>", above):
        return f"{above}<mo>/</mo>{below}"
    return f"<mfrac>{_row(_bare(above))}{_row(_bare(below))}</mfrac>"


def _row(inner: str) -> str:
    """As one child: what holds several elements in a row."""
    single = re.fullmatch(r"<(m[a-z]+)[^>]*>[^<]*</\1>|<(mrow|mfrac|msub|msup)\b.*</\2>", inner)
    if single and (single[1] or _is_one(inner)):
        return inner
    return f"<mrow>{inner}</mrow>"


def _is_one(inner: str) -> bool:
    depth = 0
    for tag in re.finditer(r"<(/?)m[a-z]+[^>]*>", inner):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end() == len(inner)
    return False


def _bare(inner: str) -> str:
    """Above, below and up the brackets of a whole group are not needed."""
    match = re.fullmatch(r"<mrow><mo>\(</mo>(.*)<mo>\)</mo></mrow>", inner)
    return match[1] if match and _is_one(inner) and not match[1].startswith('<mfrac linethickness="0">') else inner
