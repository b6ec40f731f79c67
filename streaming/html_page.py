"""A page of HTML that needs nothing else: no script, no address but its own. Pure."""

import html

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --muted: #656d76; --line: #d8dee4; --page: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --muted: #8b949e; --line: #30363d; --page: #0e1116 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
       max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin-bottom: 0 } h2 { font-size: 1.05rem; margin-top: 2rem }
p { color: var(--muted) } p.summary { color: var(--ink) } img { max-width: 100% }
li { margin: .3rem 0 }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child, .text { text-align: left }
th { color: var(--muted); font-weight: 600 }
"""


def html_page(title: str, body: str) -> str:
    """`body`, which is HTML, under a title, which is text; for screens light and dark."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>{body}</html>\n"
    )
