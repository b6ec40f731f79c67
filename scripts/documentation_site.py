"""What mkdocs.yml cannot say: how an English page behaves on the Chinese site. Called by mkdocs.

A page without a translation is shown in English there, says so, and stays out of the
search, which would otherwise find each English page twice.
"""

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

NOTE = '!!! info ""\n    本页暂无中文译文，以下为英文原文。\n\n'


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page, with a note where it is not in the language of the site."""
    del config, files
    if not is_translated(page):
        page.meta["search"] = {"exclude": True}
        title, _, text = markdown.partition("\n")  # before the title, it would have none
        return f"{title}\n\n{NOTE}{text}"
    return markdown


def is_translated(page: Page) -> bool:
    """Whether the page's language is that of the site being built (set by mkdocs-static-i18n)."""
    file: Any = page.file
    return bool(file.locale == file.locale_alternate_of)
