"""House templates: Jinja with almost everything taken away.

A template may print figures, branch on them and loop over examples. It cannot reach Python,
compute, keep variables or run for long: what is allowed is a list (`ALLOWED`), each turn of a loop
is counted and the text has a greatest length. Jinja's own sandbox is the second wall behind that.

Whatever goes wrong is a `TemplateProblem` that says which part and line the editor should look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from jinja2 import (
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from app.core.words import translate
from releases.drafting.language import HouseStyle
from releases.drafting.markup import ForbiddenMarkup, capital, text_of, tidy
from releases.drafting.vocabulary import Example, MissingFigure, Said

PARTS = {
    "headline": "drafting.part.headline",
    "lead": "drafting.part.lead",
    "body": "drafting.part.body",
}
LONGEST_TEMPLATE = 20_000
LONGEST_TEXT = 8_000_000  # a list of 50,000 recipients, as value and as words, is some 5 million
MOST_TURNS = 2_000

ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr,
    nodes.Getitem, nodes.If, nodes.For, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Call, nodes.Neg,
)  # fmt: skip
CALLABLE = {"gap", "quote"}
LOOP_QUESTIONS = {"index", "first", "last", "length"}


class TemplateProblem(ValueError):
    """A template that cannot be used. `key` and `facts` name the sentence that tells the editor."""

    def __init__(self, key: str, *, part: str, line: int | None = None, **facts: Any) -> None:
        super().__init__(f"{key} ({part}, line {line})")
        self.key = key
        self.part = part
        self.line = line
        self.facts = {"part": part, "line": line or "?", **facts}

    def told_in(self, language: str) -> str:
        """The sentence for the editor, the part called by its everyday name."""
        part = translate(PARTS[self.part], language)
        text = translate(self.key, language, **{**self.facts, "part": part})
        return re.sub(r" \(\w+ \?\)", "", text)  # where nobody knows the line, none is told


def render(source: str, *, part: str, words: Mapping[str, Any], style: HouseStyle) -> str:
    """One part of a draft as checked HTML: inline for headline and lead, blocks for the body."""
    kitchen = _Kitchen(style)
    template = kitchen.prepare(source, part=part)
    try:
        text = "".join(_up_to(LONGEST_TEXT, template.generate(words)))
        return tidy(text, blocks=part == "body")
    except _TooMuch as problem:
        raise TemplateProblem("drafting.template_too_long", part=part) from problem
    except ForbiddenMarkup as problem:
        raise TemplateProblem(
            "drafting.template_markup",
            part=part,
            line=_line_with(str(problem), source),
            what=str(problem),
        ) from problem
    except MissingFigure as problem:
        at = _line_of(problem, part)
        raise TemplateProblem(
            "drafting.template_no_figure", part=part, line=at, name=str(problem)
        ) from problem
    except SecurityError as problem:
        raise TemplateProblem(
            "drafting.template_forbidden", part=part, line=_line_of(problem, part)
        ) from problem
    except UndefinedError as problem:
        name = _quoted(problem.message or "")
        like = _like(name, words)
        raise TemplateProblem(
            "drafting.template_undefined_like" if like else "drafting.template_undefined",
            part=part,
            line=_line_of(problem, part),
            name=name,
            like=like,
        ) from problem
    except Exception as problem:  # an editor's template may fail in any way Jinja can
        raise TemplateProblem(
            "drafting.template_failed", part=part, line=_line_of(problem, part)
        ) from problem


def check(source: str, *, part: str) -> None:
    """Raises TemplateProblem when a template could never be used, whatever the round."""
    _Kitchen(HouseStyle()).prepare(source, part=part)


class _TooMuch(Exception):
    """The template runs for too long or says too much."""


class _Kitchen(ImmutableSandboxedEnvironment):
    """The environment of one rendering; it counts the turns of every loop."""

    def __init__(self, style: HouseStyle) -> None:
        super().__init__(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=0,
            finalize=_printable,
        )
        self.turns_left = MOST_TURNS
        defined = self.tests["defined"]
        self.globals.clear()
        self.filters.clear()
        self.filters.update(
            {
                "capital": _capital,
                "number": _number,
                "genitive": _genitive,
                "length": len,
                "_counted": self._counted,
            }
        )
        self.tests.clear()
        self.tests.update(
            {"opening": lambda said: _may_open(said, digits=style.digit_at_sentence_start)},
            defined=defined,
        )

    def prepare(self, source: str, *, part: str) -> Any:
        if len(source) > LONGEST_TEMPLATE:
            raise TemplateProblem("drafting.template_too_long", part=part)
        try:
            tree = self.parse(source)
            _judge(tree, part)
            self._know(tree, part)
            for loop in tree.find_all(nodes.For):
                loop.iter = nodes.Filter(
                    loop.iter, "_counted", [], [], None, None, lineno=loop.lineno
                )
            code = self.compile(tree, name=part, filename=part)
            return self.template_class.from_code(self, code, {})
        except TemplateSyntaxError as problem:
            raise _mistake(problem, source, part) from problem
        except (TemplateError, RecursionError, SyntaxError, MemoryError) as problem:
            raise TemplateProblem("drafting.template_failed", part=part) from problem

    def _know(self, tree: nodes.Template, part: str) -> None:
        """Refuses unknown filters and tests; inside an `if` Jinja would tell only when used."""
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            is_filter = isinstance(node, nodes.Filter)
            if node.name not in (self.filters if is_filter else self.tests):
                key = f"drafting.template_no_{'filter' if is_filter else 'test'}"
                raise TemplateProblem(key, part=part, line=node.lineno, name=node.name)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, LoopContext):
            return attr in LOOP_QUESTIONS
        if isinstance(obj, Said):
            return attr == "n"
        return isinstance(obj, Example) and attr in Example.WORDS

    def is_safe_callable(self, obj: Any) -> bool:
        return getattr(obj, "may_be_called_by_templates", False) is True

    @pass_context  # which also keeps Jinja from working the filter out while compiling
    def _counted(self, _context: Context, items: Iterable[Any]) -> tuple[Any, ...]:
        found = tuple(islice(items, self.turns_left + 1))
        self.turns_left -= len(found)
        if self.turns_left < 0:
            raise _TooMuch
        return found


def _judge(tree: nodes.Template, part: str) -> None:
    """Walks without recursion, so that a deeply nested template is refused and not a crash."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, ALLOWED) or not _is_plain(node) or depth > 60:
            line = getattr(node, "lineno", None)
            raise TemplateProblem("drafting.template_forbidden", part=part, line=line)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _is_plain(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Name) and node.node.name in CALLABLE
    if isinstance(node, nodes.For):
        return not node.recursive
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return isinstance(node.node, (nodes.Name, nodes.Getattr, nodes.Getitem))
    if isinstance(node, nodes.Filter):
        return node.node is not None and not node.name.startswith("_")
    return True


def _up_to(limit: int, chunks: Iterable[str]) -> Iterator[str]:
    for chunk in chunks:
        limit -= len(chunk)
        if limit < 0:
            raise _TooMuch
        yield chunk


def _line_of(problem: BaseException, part: str) -> int | None:
    """Jinja leaves the template's own line in the traceback, under the template's name."""
    trace, line = problem.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == part:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _mistake(problem: TemplateSyntaxError, source: str, part: str) -> TemplateProblem:
    """Jinja's complaint about a mistake, the common ones in our own words."""
    said = problem.message or ""
    if "Unexpected end of template" in said and (left := _left_open(source)):
        tag, line = left
        return TemplateProblem("drafting.template_unclosed", part=part, line=line, name=tag)
    if said.startswith("Encountered unknown tag"):
        name = _quoted(said.split(".")[0])
        line = problem.lineno
        return TemplateProblem("drafting.template_no_tag", part=part, line=line, name=name)
    return TemplateProblem("drafting.template_syntax", part=part, line=problem.lineno, what=said)


def _left_open(source: str) -> tuple[str, int] | None:
    """The innermost `if` or `for` that nothing ends, and its line."""
    waiting: list[tuple[str, int]] = []
    for number, line in enumerate(source.split("\n"), 1):
        for tag in re.findall(r"{%[-+]?\s*(if|for|endif|endfor)\b", line):
            if not tag.startswith("end"):
                waiting.append((tag, number))
            elif waiting:
                waiting.pop()
    return waiting[-1] if waiting else None


def _line_with(markup: str, source: str) -> int | None:
    """The first line where the forbidden markup is written out; None when it comes of figures."""
    sought = markup.rstrip(">").casefold()
    lines = enumerate(source.casefold().split("\n"), 1)
    return next((number for number, line in lines if sought in line), None)


def _like(name: str, words: Mapping[str, Any]) -> str:
    """The known name that `name` is most likely a slip for, or nothing."""
    parts = {child for said in words.values() if isinstance(said, Said) for child in said._children}
    known = [one for one in sorted({*words, *parts}) if not one.isdigit()]
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), "")


def _printable(value: Any) -> Any:
    """Only words and counts are for readers; anything else would show them Python."""
    if isinstance(value, (str, Said, Undefined)) or type(value) is int:
        return value
    raise MissingFigure(type(value).__name__)


def _quoted(message: str) -> str:
    """The name in Jinja's `… has no attribute 'x'`, `… no element 17` and `'x' is undefined`."""
    found = re.findall(r"'([^']*)'|element (\S+)", message)
    return "".join(found[-1]) if found else "?"


def _capital(said: Any) -> Markup:
    return capital(escape(said))


def _number(said: Any) -> Any:
    if not isinstance(said, Said):
        raise MissingFigure("number")
    return said.number()


def _genitive(said: Any) -> Any:
    if not isinstance(said, Said):
        raise MissingFigure("genitive")
    return said.genitive()


def _may_open(said: Any, *, digits: bool) -> bool:
    """Whether a sentence may begin with it: no digit, and no name that is written with a small
    initial, since the name must not be rewritten."""
    initial = text_of(escape(said))[:1]
    if initial.isdigit():
        return digits
    return not (isinstance(said, Said) and said.is_name and initial.islower())
