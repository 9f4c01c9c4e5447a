"""YAML text to nodes.

PyYAML parses; the composing is done here, because PyYAML's own keeps the last of two equal keys, recurses without a
limit, and multiplies aliases. A merge key (``<<``) means what it means there.
"""

import re
from dataclasses import replace
from typing import Any, NoReturn

import yaml
from yaml import events as ev

from sandbox.model.problem import Place, Problem, SpecError
from sandbox.spec.nodes import Entry, Listing, Mapping, Node, Scalar
from sandbox.spec.source import Source

DEEPEST = 50
MOST_VALUES = 20_000  # aliases counted as often as they are used
_PREFIX = "tag:yaml.org,2002:"
_NO_KEY = "a key that is itself a list or a mapping"
_KNOWN_TAGS = {_PREFIX + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")}


def compose(source: Source) -> tuple[Node | None, list[Problem]]:
    """Return the one document's value, None for an empty file, and the problems that leave something to look at.

    Raises:
        SpecError: the text is not YAML, or is too much of it.
    """
    composer = _Composer(source)
    try:
        return composer.document(), composer.problems
    except yaml.YAMLError as error:
        raise SpecError([*composer.problems, _syntax(source, error)]) from None
    except RecursionError:
        raise SpecError([_too_much(source.whole, f"nested deeper than {DEEPEST} levels")]) from None


class _Composer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.events = yaml.parse(source.text, Loader=yaml.SafeLoader)
        self.resolve: Any = yaml.resolver.Resolver().resolve
        self.construct: Any = yaml.constructor.SafeConstructor().construct_object
        self.anchors: dict[str, tuple[Node, int] | None] = {}  # None: still being composed
        self.values = 0
        self.problems: list[Problem] = []

    def document(self) -> Node | None:
        node: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, ev.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    why = "one file describes one thing"
                    place = self.place(event)
                    problem = Problem("E025", "a second document begins here", place, why, "move it to its own file")
                    self.problems.append(problem)
                    return node
                node = self.node(self.next(), 0)
        return node

    def next(self) -> Any:
        return next(self.events)

    def place(self, event: Any) -> Place:
        return self.source.place(event.start_mark.line + 1, event.start_mark.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        before = self.values
        self.count(event, 1)
        if depth > DEEPEST:
            self.refuse(event, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, ev.AliasEvent):
            return self.alias(event)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, ev.ScalarEvent):
            node: Node = self.scalar(event)
        elif isinstance(event, ev.SequenceStartEvent):
            self.check_tag(event, "seq")
            node = self.listing(event, depth)
        else:
            self.check_tag(event, "map")
            node = self.mapping(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.values - before)
        return node

    def count(self, event: Any, more: int) -> None:
        self.values += more
        if self.values > MOST_VALUES:
            self.refuse(event, f"the file grows to more than {MOST_VALUES} values")

    def refuse(self, event: Any, what: str) -> NoReturn:
        raise SpecError([*self.problems, _too_much(self.place(event), what)])

    def alias(self, event: Any) -> Node:
        place = self.place(event)
        if event.anchor not in self.anchors:
            what = f"the alias *{event.anchor} has no anchor"
            raise SpecError([*self.problems, Problem("E023", what, place, "", f"write &{event.anchor} at its value")])
        found = self.anchors[event.anchor]
        if found is None:
            raise SpecError([*self.problems, Problem("E023", f"*{event.anchor} contains itself", place)])
        node, size = found
        self.count(event, size)
        return node

    def scalar(self, event: Any) -> Scalar:
        place = self.place(event)
        tag = event.tag if event.tag not in (None, "!") else None
        if tag is None:
            implicit = event.implicit if event.tag is None else (False, True)
            tag = self.resolve(yaml.ScalarNode, event.value, implicit)
        if tag not in _KNOWN_TAGS:
            self.bad_tag(event, tag)
            return Scalar(event.value, event.value, place)
        kind = tag.removeprefix(_PREFIX)
        if kind in ("str", "merge", "value"):
            return Scalar(event.value, event.value, place)
        try:
            value = self.construct(yaml.ScalarNode(tag, event.value, event.start_mark))
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
            what = f"{event.value[:60]!r} looks like {_article(kind)} and is none: {error}"
            self.problems.append(Problem("E023", what, place, "", "quote it, if it is text"))
            value = event.value
        return Scalar(value, event.value, place)

    def check_tag(self, event: Any, wanted: str) -> None:
        if event.tag not in (None, "!", _PREFIX + wanted):
            self.bad_tag(event, event.tag)

    def bad_tag(self, event: Any, tag: str) -> None:
        short = tag.replace(_PREFIX, "!!")
        what = f"the tag {short} means nothing here"
        self.problems.append(Problem("E023", what, self.place(event), "", "remove it"))

    def listing(self, start: Any, depth: int) -> Listing:
        items = []
        while not isinstance(event := self.next(), ev.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return Listing(items, self.place(start))

    def mapping(self, start: Any, depth: int) -> Mapping:
        made = Mapping({}, self.place(start))
        merged: dict[str, Entry] = {}
        while not isinstance(event := self.next(), ev.MappingEndEvent):
            plain_merge = isinstance(event, ev.ScalarEvent) and event.value == "<<" and event.style is None
            key = self.node(event, depth + 1)
            value = self.node(self.next(), depth + 1)
            if plain_merge:
                self.merge(value, merged)
            elif not isinstance(key, Scalar):
                self.problems.append(_placeholder(key.place) or Problem("E023", _NO_KEY, key.place))
            elif key.text in made.entries:
                first = made.entries[key.text].key.place
                what = f"the key {key.text!r} stands here for the second time; the first is in line {first.line}"
                why = "Azure keeps the last one without a word"
                place = self.place(event)
                problem = Problem("E024", what, place, why, "remove one of them", (key.text,), first)
                self.problems.append(problem)
            else:
                made.entries[key.text] = Entry(key, value)
        for name, entry in merged.items():
            made.entries.setdefault(name, entry)
        return made

    def merge(self, value: Node, merged: dict[str, Entry]) -> None:
        sources = value.items if isinstance(value, Listing) else [value]
        for source in sources:
            if not isinstance(source, Mapping):
                what = "only mappings can be merged with <<"
                self.problems.append(Problem("E023", what, source.place, "", "write <<: *ANCHOR of a mapping"))
                continue
            for name, entry in source.entries.items():
                merged.setdefault(name, Entry(entry.key, entry.node, merged=True))


def _placeholder(place: Place) -> Problem | None:
    """Recognise ``{{name}}``, which templates leave for somebody to fill in, where YAML stumbles over it."""
    found = re.search(r"\{\{.*?\}\}", place.text)
    if not found:
        return None
    spot = replace(place, column=found.start() + 1)
    what = f"{found.group()} is a placeholder that nobody has filled in"
    return Problem("E023", what, spot, "", f"replace it; as text it must be quoted: '{found.group()}'")


def _article(kind: str) -> str:
    return {"int": "a number", "float": "a number", "timestamp": "a date", "bool": "true or false"}.get(kind, kind)


def _too_much(place: Place, what: str) -> Problem:
    return Problem("E022", what, place, "the limits keep a hostile file from filling the memory", "make it smaller")


# What PyYAML says -> what it means for somebody who writes a file.
_HINTS = (
    ("found character '\\t'", "a tab where YAML wants spaces", "indent with spaces"),
    ("mapping values are not allowed here", "a second ': ' in one value, or a wrong indentation", "quote the value"),
    ("could not find expected ':'", "a line without ': ' after its key", "write key: value, with a space"),
    ("found unexpected end of stream", "a quote or bracket that is never closed", "close it"),
    ("expected <block end>", "an indentation that fits to nothing above it", "align it with its neighbours"),
    ("expected ',' or ']'", "a list in [ ] that is not closed", "write , between the items and ] behind the last"),
    ("expected ',' or '}'", "a mapping in { } that is not closed", "write , between the entries and } behind the last"),
    ("found character '@'", "@ cannot begin a value", "quote the value"),
    ("found character '`'", "` cannot begin a value", "quote the value"),
    ("found character '%'", "% cannot begin a value", "quote the value"),
    ("did not find expected alphabetic", "* or & must be followed by a name", "quote the value, if it is text"),
    ("expected alphabetic or numeric", "* or & must be followed by a name", "quote the value, if it is text"),
)


# Here it counts where the quote or bracket was opened, not where the file ran out.
_NEVER_CLOSED = ("found unexpected end of stream", "expected ',' or ']'", "expected ',' or '}'")


def _syntax(source: Source, error: yaml.YAMLError) -> Problem:
    found = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    places = [source.place(mark.line + 1, mark.column + 1) for mark in found if mark]
    place = places[0] if places else source.whole
    said = ", ".join(part for part in (getattr(error, "context", ""), getattr(error, "problem", "")) if part)
    if placeholder := _placeholder(place):
        return placeholder
    related = next((each for each in places if each != place), None)
    if related and any(phrase in said for phrase in _NEVER_CLOSED):
        place, related = related, place
    for phrase, meaning, fix in _HINTS:
        if phrase in said:
            return Problem("E023", meaning, place, f"the parser says: {said}", fix, (), related)
    return Problem("E023", said or str(error), place, "", "", (), related)
