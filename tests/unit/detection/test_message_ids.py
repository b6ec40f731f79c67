"""Message ids are UUIDv7: of their time, and told apart by chance."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from streaming.detection.message_ids import RANDOM_BYTES, uuid7

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
chance = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_the_example_of_the_rfc():
    when = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    random = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(RANDOM_BYTES, "big")
    assert uuid7(when, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(chance)
def test_version_variant_and_time(random):
    made = UUID(uuid7(NOW, random))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == NOW.timestamp() * 1000


@given(chance, chance)
def test_later_ones_sort_later(first, second):
    assert uuid7(NOW, first) < uuid7(NOW + timedelta(milliseconds=1), second)


@given(st.sets(chance.map(lambda b: b[-7:]), min_size=2, max_size=20))
def test_chance_tells_them_apart(tails):
    assert len({uuid7(NOW, bytes(3) + tail) for tail in tails}) == len(tails)
