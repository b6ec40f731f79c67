"""What mkdocs.yml cannot say: how English and Chinese pages go together. Called by mkdocs.

A page without a translation is shown in English on the Chinese site, says so, and stays out
of the search, which would otherwise find each English page twice. A translated page also has
the anchors of its English one, so that a link into it holds in both languages.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

NOTE = '!!! info ""\n    本页暂无中文译文，以下为英文原文。\n\n'
_CODE_OR_HEADING = re.compile(r"^```.*?^```$|^#+ (?P<title>[^\n]+)$", re.MULTILINE | re.DOTALL)
_slug = slugify(case="lower")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page as the site shows it."""
    del files
    file: Any = page.file  # mkdocs-static-i18n adds whose language it is, and whose it is to be
    if file.locale != file.locale_alternate_of:
        page.meta["search"] = {"exclude": True}
        title, _, text = markdown.partition("\n")  # before the title, it would have none
        return f"{title}\n\n{NOTE}{text}"
    english = Path(config.docs_dir, file.src_uri.removeprefix(f"{file.locale}/"))
    if file.localization and english.is_file():
        return with_anchors_of(english.read_text(encoding="utf-8"), markdown)
    return markdown


def with_anchors_of(english: str, translated: str) -> str:
    """The translation, each heading with the anchor of its English one before it."""
    anchors = iter(anchors_in(english))

    def marked(found: re.Match[str]) -> str:
        if not found["title"]:
            return found[0]
        return f'<a id="{next(anchors, "")}"></a>\n\n{found[0]}'

    return _CODE_OR_HEADING.sub(marked, translated)


def anchors_in(text: str) -> Iterator[str]:
    """The anchors of the headings of a page, in order."""
    for found in _CODE_OR_HEADING.finditer(text):
        if found["title"]:
            yield _slug(re.sub(r"[`*\[\]]", "", found["title"]), "-")
