"""Reads a condition, word by word: see the package for the grammar.

It is a parser by precedence (Pratt, Top down operator precedence, 1973): an operand, and then every operator that binds
more tightly than the one on the left.
"""

from dataclasses import replace
from typing import Any

from unrolled.conditions.condition import FUNCTIONS, LOOKING_BACK, TEXT_FUNCTIONS, Apply, Condition, Read
from unrolled.conditions.expression import Part, Sort, apply, constant, read
from unrolled.conditions.names import Name, names_of, timestep, token
from unrolled.conditions.scan import Kind, Word, next_word
from unrolled.errors import ConditionError
from unrolled.layer import RecurrentLayer
from unrolled.text import printable

MOST_CHARACTERS = 500
MOST_DEPTH = 32
"""So many parentheses, signs and words may stand inside each other."""

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_LOOSEST, _OR, _AND, _PREFIX, _COMPARISON, _SUM, _PRODUCT, _SIGN = range(8)
_PRECEDENCE = {"or": _OR, "and": _AND, "changes": _COMPARISON, "+": _SUM, "-": _SUM, "*": _PRODUCT} | dict.fromkeys(
    COMPARISONS, _COMPARISON
)
_OPERATORS = {
    Sort.NUMBER: (*COMPARISONS, "changes", "+", "-", "*"),
    Sort.TEXT: ("==", "!=", "changes"),
    Sort.ANSWER: ("and", "or"),
}
_MOST_INDICES = 9
"""So many units are told as words that can come next."""


def parse(text: str, layer: RecurrentLayer[Any], tokens: bool = False) -> Condition:
    """The condition that `text` says.

    Args:
        text: At most 500 characters.
        layer: The layer whose units, features, gates and states can be named.
        tokens: Whether the sequence has tokens.

    Raises:
        ConditionError: If it says none. The message has the place, what was expected and what came.
    """
    return Parser(text, layer, tokens).condition()


class Parser:
    """A condition in the reading.

    Attributes:
        word: The word that comes next.
        wanted: The words that could stand in its place, as far as they were tried.
    """

    def __init__(self, text: str, layer: RecurrentLayer[Any], tokens: bool) -> None:
        self.text, self.tokens = text, tokens
        self.names = names_of(layer)
        self.wanted: list[str] = []
        self.word = next_word(text, 0)
        self._depth = self._many = 0  # how deep we are, and in how many of any and all

    def condition(self) -> Condition:
        """The whole text as a condition.

        Raises:
            ConditionError: If it is none.
        """
        if len(self.text) > MOST_CHARACTERS:
            raise ConditionError(
                self.text, MOST_CHARACTERS, f"at most {MOST_CHARACTERS} characters", f"{len(self.text):,}"
            )
        whole = self._answer(_LOOSEST)
        if self.word.kind is not Kind.END:
            raise self._error("and, or or the end")
        before = any(isinstance(step, Apply) and step.function in LOOKING_BACK for step in whole.program)
        return Condition(self.text, whole.program, int(before))

    # Parts

    def _part(self, precedence: int, numeric: bool = False) -> Part:
        """A part, up to an operator that binds no more tightly than `precedence`; a number, if `numeric`."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._error(f"at most {MOST_DEPTH} parentheses, signs and words inside each other", "more")
        left = self._operand(numeric)
        while operator := self._accept(*self._operators(left.sort, precedence, numeric)):
            left = self._joined(left, operator)
        self._depth -= 1
        return left

    def _operators(self, sort: Sort, precedence: int, numeric: bool) -> tuple[str, ...]:
        """The operators that can stand behind a part of this sort."""
        least = max(precedence, _COMPARISON) if numeric else precedence
        return tuple(operator for operator in _OPERATORS[sort] if _PRECEDENCE[operator] > least)

    def _answer(self, precedence: int) -> Part:
        part = self._part(precedence)
        if part.sort is not Sort.ANSWER:
            numbers = part.sort is Sort.NUMBER
            raise self._error(f"{' '.join(COMPARISONS)} or changes" if numbers else "==, != or changes")
        return part

    # Operators

    def _joined(self, left: Part, word: Word) -> Part:
        if word.text in COMPARISONS:
            return self._compared(left, word)
        if word.text == "changes":
            return self._changing(left)
        precedence, sort = _PRECEDENCE[word.text], left.sort
        right = self._answer(precedence) if sort is Sort.ANSWER else self._part(precedence, numeric=True)
        return self._applied(FUNCTIONS[word.text], sort, left, right)

    def _compared(self, left: Part, word: Word) -> Part:
        """A comparison, or a chain of them: each is between the two parts beside it, and all have to be true."""
        answer = None
        operator: Word | None = word
        functions = TEXT_FUNCTIONS if left.sort is Sort.TEXT else FUNCTIONS
        signs = tuple(sign for sign in COMPARISONS if sign in functions)
        while operator:
            right = self._text() if left.sort is Sort.TEXT else self._part(_COMPARISON, numeric=True)
            if right is None:
                raise self._error("token or a text in quotes" if self.tokens else "a text in quotes")
            compared = self._applied(functions[operator.text], Sort.ANSWER, left, right)
            answer = compared if answer is None else self._applied(FUNCTIONS["and"], Sort.ANSWER, answer, compared)
            left, operator = right, self._accept(*signs)
        return answer or left

    def _changing(self, left: Part) -> Part:
        if left.sort is Sort.TEXT:
            return apply(TEXT_FUNCTIONS["changes"], Sort.ANSWER, left.position, left)
        kind = "changes sign" if self._accept("sign") else "changes"
        return apply(FUNCTIONS[kind], Sort.ANSWER, left.position, left)

    def _applied(self, function: Any, sort: Sort, left: Part, right: Part) -> Part:
        one, other = left.all_of, right.all_of
        if one and other and one.each != other.each and min(one.width, other.width) > 1:
            expected = f"each {one.each}, as {one.name} has, or a number"
            raise ConditionError(self.text, right.position, expected, f"each {other.each}")
        return apply(function, sort, left.position, left, right)

    # Operands

    def _operand(self, numeric: bool) -> Part:
        word = self.word
        if not numeric:
            if self._accept("not"):
                return apply(FUNCTIONS["not"], Sort.ANSWER, word.position, self._answer(_PREFIX))
            if self._accept("any", "all"):
                return self._over_all(word)
        if self._accept("abs"):
            self._expect("(")
            return self._closed(apply(abs, Sort.NUMBER, word.position, self._part(_LOOSEST, numeric=True)))
        if self._accept("("):
            return replace(self._closed(self._part(_LOOSEST, numeric)), position=word.position)
        if self._accept("-"):
            return apply(FUNCTIONS["negative"], Sort.NUMBER, word.position, self._part(_SIGN, numeric=True))
        part = self._value() or (None if numeric else self._text())
        if part is None:
            names = " ".join([*self.names, "t", *(["token"] if self.tokens and not numeric else [])])
            raise self._error(f"a number, a name ({names}), abs{'' if numeric else ', not, any, all'} or (")
        return part

    def _closed(self, part: Part) -> Part:
        if part.sort is Sort.ANSWER and self.word.text != ")":
            self.wanted.append(")")
            raise self._error("and, or or )")
        self._expect(")")
        return part

    def _over_all(self, word: Word) -> Part:
        """`any` or `all`, which makes one answer of those of all units."""
        self._many += 1
        answers = self._answer(_PREFIX)
        self._many -= 1
        if answers.all_of is None:
            expected = f"a name without a number after {word.text}, such as {[*self.names][1]}"
            raise ConditionError(self.text, answers.position, expected, "none")
        program = apply(FUNCTIONS[word.text], Sort.ANSWER, word.position, answers).program
        return Part(Sort.ANSWER, program, word.position)

    def _value(self) -> Part | None:
        """A number, or what the name of one stands for, if one comes next."""
        word = self.word
        self.wanted += [name.name + ("" if self._alone(name) else "[") for name in self.names.values()]
        if self._accept("t"):
            return Part(Sort.NUMBER, (Read(timestep),), word.position)
        if word.kind is Kind.NUMBER:
            self._advance()
            return constant(float(word.text), word.position)
        if word.kind is not Kind.NAME or word.text not in self.names:
            return None
        name = self.names[word.text]
        self._advance()
        if self._accept("["):
            index = self._index(name)
            self._expect("]")
            return read(name, index, word.position)
        if not self._alone(name):
            raise self._error(f"[1] to [{name.width}] after {name.name}, or any or all before it")
        return read(name, None, word.position)

    def _text(self) -> Part | None:
        """The token, or a text in quotes, if one comes next."""
        word = self.word
        if self.tokens and self._accept("token"):
            return Part(Sort.TEXT, (Read(token),), word.position)
        if word.text == "token":
            raise self._error("a sequence that has tokens, such as --text gives", "one of numbers")
        if word.kind is Kind.TEXT:
            self._advance()
            return constant(printable(word.text[1:-1]), word.position)
        if word.kind is Kind.UNKNOWN and word.text[0] in "\"'":
            raise self._error(f"{word.text[0]} at the end of the text in quotes", "the end")
        return None

    def _alone(self, name: Name) -> bool:
        """Whether `name` may stand without a number here."""
        return self._many > 0 or name.width == 1

    def _index(self, name: Name) -> int:
        self.wanted += map(str, range(1, min(name.width, _MOST_INDICES) + 1))
        word = self.word
        if not (word.kind is Kind.NUMBER and word.text.isdecimal() and 1 <= int(word.text) <= name.width):
            expected = f"the number of a {name.each} from 1 to {name.width:,}"
            raise self._error(expected if name.width > 1 else f"1, the only {name.each}")
        self._advance()
        return int(word.text) - 1

    # Words

    def _accept(self, *texts: str) -> Word | None:
        """The next word if it is one of `texts`, which is then done with."""
        word = self.word
        if word.text in texts:
            self._advance()
            return word
        self.wanted += texts
        return None

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._error(text)

    def _advance(self) -> None:
        self.word = next_word(self.text, self.word.end)
        self.wanted = []

    def _error(self, expected: str, got: str | None = None) -> ConditionError:
        """Says that something else was expected where the next word is."""
        shown = printable(self.word.text, 60) or "the end"
        return ConditionError(self.text, self.word.position, expected, got or shown)
