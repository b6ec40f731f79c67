"""Where requests go, from a base_url in any of the usual forms. Pure."""

from yarl import URL

_PATH = "/chat/completions"


def completions_url(base_url: str) -> URL:
    """The address of chat completions.

    With or without a slash at the end, or the path itself; a query (Azure's `api-version`) stays.
    """
    url = URL(base_url)
    path = url.path.rstrip("/")
    if not path.endswith(_PATH):
        path += _PATH
    return url.with_path(path, keep_query=True, encoded=False).with_fragment(None)
