"""Takes the jars that a version of Kafka needs, with their hashes, into kafka_jars.lock.

    python -m streaming.embedded.lock_jars

Run it after changing COORDINATES in `streaming.embedded.jars`, and look at the difference.
"""

import hashlib
import sys

from streaming.embedded.jars import COORDINATES, LOCK


def main() -> None:
    """Resolve as Maven does, fetch, hash, and write the lock."""
    import jgo

    artifacts = {str(a.component): a for a in jgo.resolve(COORDINATES)}
    lines = [
        f"{name} sha256:{hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()}\n"
        for name, artifact in sorted(artifacts.items())
    ]
    LOCK.write_text("".join(lines))
    sys.stderr.write(f"{len(lines)} jars in {LOCK.name}\n")


if __name__ == "__main__":
    main()
