# SPDX-License-Identifier: MIT
"""The small changes that can be made to a C source: each is one that a test should notice. By tokens,
not by a grammar: what does not compile is found out by the compiler."""

import re
from typing import NamedTuple

TOKEN = re.compile(r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<directive> ^[ \t]*\#(?:[^\n\\]|\\.|\\\n)* )
  | (?P<text> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
  | (?P<number> \d\w* )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<op> -> | \+\+ | -- | <<= | >>= | [-+*/%&|^<>=!]= | && | \|\| | << | >> | \S )
    """, re.VERBOSE | re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)\Z")

SWAPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
           "+=": "-=", "-=": "+=", "++": "--", "--": "++", "|=": "&=", "&=": "|=",
           "true": "false", "false": "true"}
# Only with something on their left: else they are signs, addresses and pointers.
SWAPPED_BETWEEN = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "&": "|", "|": "&", "^": "|",
                   "<<": ">>", ">>": "<<"}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "++", "--"}
# What a statement begins with that is neither a call nor an assignment.
KEYWORDS = set("""break case char const continue default do double else enum extern float for goto if int
                  long register return short signed sizeof static struct switch typedef union unsigned void
                  volatile while bool _Static_assert _Alignas""".split())
# What is in their parentheses is not for tests to notice: texts, assertions, mere hints.
UNSEEN = re.compile(r"log_\w+|assert|static_assert|_Static_assert|_Alignas|__builtin_\w+|cache_prefetch")
TYPE = re.compile(r"(const|struct|enum|union|unsigned|signed|int|char|long|short|void|bool|\w+_t|\*)\Z")


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Mutant(NamedTuple):
    path: str
    line: int
    edits: tuple  # of (start, end, text), in their order
    before: str
    after: str


def tokens_of(source):
    found = (Token(match.lastgroup, match.group(), match.start(), match.end())
             for match in TOKEN.finditer(source))
    return [token for token in found if token.kind not in ("comment", "directive")]


class Source:
    def __init__(self, path, source):
        self.path = path
        self.source = source
        self.tokens = tokens_of(source)
        self.closing = self._closing()
        self.opening = {close: at for at, close in self.closing.items()}
        self.code = self._code()

    def _closing(self):
        """Where what is opened at a token is closed."""
        stack, closing = [], {}
        for at, token in enumerate(self.tokens):
            if token.kind == "op" and token.text in "([{":
                stack.append(at)
            elif token.kind == "op" and token.text in ")]}":
                closing[stack.pop()] = at
        return closing

    def _code(self):
        """The tokens in functions and in tables, less those that no test is to notice."""
        code, at = set(), 0
        while at < len(self.tokens):
            if self.tokens[at].text == "{":
                if self.tokens[at - 1].text in (")", "="):
                    code.update(range(at + 1, self.closing[at]))
                at = self.closing[at]
            at += 1
        for at, token in enumerate(self.tokens[:-1]):
            if token.kind == "name" and UNSEEN.fullmatch(token.text) and self.tokens[at + 1].text == "(":
                code.difference_update(range(at, self.closing[at + 1] + 1))
        return sorted(code)

    def _is_cast(self, close):
        inside = self.tokens[self.opening[close] + 1:close]
        return bool(inside) and all(TYPE.match(token.text) or before.text in ("struct", "enum", "union")
                                    for before, token in zip([inside[0]] + inside, inside))

    def _is_between(self, at):
        before, behind = self.tokens[at - 1], self.tokens[at + 1]
        if before.text == ")":
            return not self._is_cast(at - 1)
        if self.tokens[at].text == "*" and "number" not in (before.kind, behind.kind):
            return False  # struct name *name, perhaps
        return before.text == "]" or before.kind == "number" or \
            (before.kind == "name" and before.text not in KEYWORDS)

    def _line_start(self, position):
        return self.source.rfind("\n", 0, position) + 1

    def _lines(self, start, end):
        until = self.source.find("\n", end)
        return self.source[self._line_start(start):until]

    def mutant(self, *edits):
        edits = tuple(edits)
        start, end = edits[0][0], edits[-1][1]
        shift, before = self._line_start(start), self._lines(start, end)
        after, last = "", 0
        for begin, finish, text in edits:
            after += before[last:begin - shift] + text
            last = finish - shift
        after += before[last:]
        return Mutant(self.path, self.source.count("\n", 0, start) + 1, edits,
                      " ".join(before.split()), " ".join(after.split()))

    def apply(self, mutant):
        out, last = "", 0
        for start, end, text in mutant.edits:
            out += self.source[last:start] + text
            last = end
        return out + self.source[last:]

    def _numbers(self, token):
        match = NUMBER.match(token.text)
        if not match:
            return
        base = 16 if match[1][:2].lower() == "0x" else 10
        value = int(match[1], base)
        for other in (value + 1, value - 1):
            if other >= 0:
                text = (hex(other) if base == 16 else str(other)) + match[2]
                yield self.mutant((token.start, token.end, text))

    def _negated(self, at):
        """if (x) as if (!(x)), where that is one line."""
        opens, closes = self.tokens[at + 1], self.tokens[self.closing[at + 1]]
        if "\n" not in self.source[opens.start:closes.end]:
            yield self.mutant((opens.end, opens.end, "!("), (closes.start, closes.start, ")"))

    def _deleted(self, at):
        """The statement that begins here, if it does and is a call or an assignment."""
        token, before = self.tokens[at], self.tokens[at - 1]
        if self.source[self._line_start(token.start):token.start].strip() or \
                before.text not in ("{", "}", ";", ":", ")", "else") or token.text in KEYWORDS or \
                token.kind not in ("name", "op") or (token.kind == "op" and token.text not in ("*", "++", "--")):
            return
        if token.kind == "name" and (self.tokens[at + 1].kind == "name" or self.tokens[at + 1].text == "*"):
            return  # a declaration
        end, assigns = at, False
        while self.tokens[end].text != ";":
            assigns = assigns or self.tokens[end].text in ASSIGNMENTS
            end = self.closing.get(end, end) + 1
            if end >= len(self.tokens) or self.tokens[end].text in ("{", "}"):
                return
        if assigns or self.tokens[end - 1].text == ")":
            lines = self.source.count("\n", token.start, self.tokens[end].start)
            if lines <= 3:
                yield self.mutant((token.start, self.tokens[end].start, "\n" * lines))

    def mutants(self):
        code = set(self.code)
        for at in self.code:
            token = self.tokens[at]
            if token.kind == "number":
                yield from self._numbers(token)
            elif token.text in SWAPPED:
                yield self.mutant((token.start, token.end, SWAPPED[token.text]))
            elif token.text in SWAPPED_BETWEEN and self._is_between(at):
                yield self.mutant((token.start, token.end, SWAPPED_BETWEEN[token.text]))
            elif token.text == "!":
                yield self.mutant((token.start, token.end, ""))
            elif token.text in ("if", "while") and at + 1 in code:
                yield from self._negated(at)
            if token.text == "{" and self.tokens[at - 1].text == "=":
                continue
            yield from self._deleted(at)
