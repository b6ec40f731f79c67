"""Which cameras are a worker's own, and until when that is certain. Pure.

Kafka gives the partitions of camera-control to the workers, and a camera belongs to whoever has
its partition. What Kafka was last asked at `asked_s` and confirmed holds until `asked_s` plus the
group's session timeout: before that the coordinator gives nothing to anybody else. A worker that
was stopped and woken finds its lease run out, whatever it was doing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from zlib import crc32

Hold = Literal["ours", "doubtful", "gone"]


@dataclass(frozen=True, slots=True)
class Lease:
    """Partitions that were assigned, each with its term: a number that no other holding has.

    Times are seconds of one clock that runs on while the machine sleeps.
    """

    count: int = 0
    terms: Mapping[int, int] | None = None
    until_s: float = 0.0
    last_term: int = 0

    def term(self, camera_id: str) -> int | None:
        """The term under which the camera is held, or None."""
        return (self.terms or {}).get(partition_of(camera_id, self.count))

    def hold(self, camera_id: str, term: int, now_s: float) -> Hold:
        """Whether what was taken of the camera in that term may still go out.

        `doubtful` becomes one of the others when the group has answered.
        """
        if self.term(camera_id) != term:
            return "gone"
        return "ours" if now_s < self.until_s else "doubtful"

    def assigned(self, partitions: Collection[int], count: int) -> "Lease":
        """These too, of a topic with `count` partitions; certain once confirmed."""
        terms = dict(self.terms or {})
        new = sorted(set(partitions) - terms.keys())
        terms |= {p: self.last_term + n for n, p in enumerate(new, 1)}
        return replace(self, count=count, terms=terms, last_term=self.last_term + len(new))

    def revoked(self, partitions: Collection[int]) -> "Lease":
        """Without these."""
        left = {p: t for p, t in (self.terms or {}).items() if p not in partitions}
        return replace(self, terms=left)

    def confirmed(self, asked_s: float, session_s: float) -> "Lease":
        """The group took us for a member of its present generation, asked at that time."""
        return replace(self, until_s=max(self.until_s, asked_s + session_s))


def partition_of(camera_id: str, count: int) -> int:
    """The partition of camera-control that decides who has the camera; -1 while there is none.

    Commands may lie in any partition, for producers differ in how they choose one.
    """
    return crc32(camera_id.encode()) % count if count else -1
