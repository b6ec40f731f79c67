"""The components of a CycloneDX bill of materials with their licences, as a table in Markdown.

python scripts/licences.py dist/trafficmon-0.1.0.cdx.json
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def licences(component: Mapping[str, Any]) -> str:
    """Names as the package gives them, or that it gives none."""
    found = [
        entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]
        for entry in component.get("licenses", ())
    ]
    # Some packages put the whole text where a name belongs.
    names = [str(name).strip().splitlines()[0].rpartition(" :: ")[2] for name in found]
    return " / ".join(dict.fromkeys(names)) or "not said"


def table(bill: Mapping[str, Any]) -> str:
    """A row a component, by name."""
    rows = [
        f"| {c['name']} | {c.get('version', '')} | {licences(c)} |"
        for c in sorted(bill["components"], key=lambda c: str(c["name"]).lower())
    ]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())))
