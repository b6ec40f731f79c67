"""What a page names: commands, targets of make, files, settings, variables, metrics. Pure."""

import re
import shlex
from collections.abc import Iterator

from markdown_it import MarkdownIt

_ENDS_A_COMMAND = {"|", "||", "&&", ";", "<", ">", ">>", "2>", "2>&1", "&", "\\"}


def code(text: str) -> Iterator[str]:
    """Every line of code of a page: of its blocks, and each piece within a sentence or table."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "fence":
            yield from token.content.replace("\\\n", " ").splitlines()
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def calls(line: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a line; alternatives `a|b` are one call each."""
    before = r"(?:^\s*|[;(|&/`$]\s*|\b(?:exec|nice|time|timeout)\s[^;|&]*?|\b[A-Z_]+=\S+\s+)"
    for found in re.finditer(rf"{before}\b{re.escape(program)}\s+([^#]*)", line):
        try:
            words = shlex.split(found[1].split("$(")[0].replace("…", " … "))
        except ValueError:
            words = found[1].split()
        arguments: list[str] = []
        for word in words:
            if word in _ENDS_A_COMMAND:
                break
            arguments.append(word.rstrip(";,."))
            if word.endswith(";"):
                break
        yield from _alternatives(arguments)


def _alternatives(arguments: list[str]) -> Iterator[list[str]]:
    several = next(
        (i for i, word in enumerate(arguments) if re.fullmatch(r"\w+(\|\w+)+", word)), None
    )
    if several is None:
        yield arguments
        return
    for each in arguments[several].split("|"):
        yield [*arguments[:several], each, *arguments[several + 1 :]]


def settings(line: str) -> Iterator[str]:
    """What is written like a setting's full name: kafka.topics.…, api_keys[].rpm_limit."""
    sections = "kafka|api_keys|scheduler|provider|prompt|cameras|detection|tasks|serving|redis|lake"
    name = rf"(?<![\w./\[-])((?:{sections}|simulator|alerts)(?:\[\d*\])?(?:\.[a-z_0-9…*]+(?:\[\d*\])?)+)"
    for found in re.finditer(name, line):
        following = line[found.end() : found.end() + 1]
        if following not in "(/-@" or not following:
            yield found[1].rstrip(".")


def variables(line: str) -> Iterator[str]:
    """Names of Trafficmon's own variables of the environment."""
    yield from re.findall(r"TRAFFICMON_[A-Z0-9_]+[A-Z0-9]", line)


def metrics(line: str) -> Iterator[str]:
    """Names of metrics."""
    ours = r"trafficmon_(?!dagster)[a-z_]+|detection_total|llm_[a-z]+_(?:total|seconds)\w*"
    yield from re.findall(rf"(?<![\w/.-])(?:{ours}|kafka_consumer_lag|api_key_status)\b", line)


def files(line: str) -> Iterator[str]:
    """Paths of the repository, as far as they have no placeholder."""
    roots = "streaming|trafficmon_dagster|training|tests|scripts|docs|deployment|config"
    for found in re.findall(rf"(?<![\w./~-])(?:{roots})/[\w./*-]*", line):
        yield found.rstrip(".")
