import pytest

from streaming.lake.plan import RECREATED, RETENTION, Gap, Span, TopicEnds, plan

TOPIC = TopicEnds("t", "id-1", {0: (0, 10), 1: (5, 8), 2: (0, 0)})


@pytest.mark.parametrize(
    ("stored", "spans"),
    [
        ({}, [Span(0, 0, 10), Span(1, 5, 8)]),
        ({("id-1", 0): 4}, [Span(0, 4, 10), Span(1, 5, 8)]),
        ({("id-1", 0): 10, ("id-1", 1): 8}, []),
        ({("id-1", 0): 10, ("id-1", 1): 6, ("id-1", 2): 0}, [Span(1, 6, 8)]),
    ],
)
def test_what_is_read_lies_between_the_stored_offset_and_the_end(stored, spans):
    planned = plan(TOPIC, stored)

    assert list(planned.spans) == spans
    assert planned.gaps == ()
    assert planned.waiting == sum(span.end - span.start for span in spans)


def test_what_retention_took_before_it_was_read_is_a_gap():
    planned = plan(TOPIC, {("id-1", 0): 3, ("id-1", 1): 2})

    assert planned.gaps == (Gap("t", 1, 2, 5, RETENTION),)
    assert planned.spans == (Span(0, 3, 10), Span(1, 5, 8))


def test_what_was_deleted_before_the_lake_first_looked_is_no_gap():
    assert plan(TopicEnds("t", "id-1", {0: (100, 200)}), {}).gaps == ()


def test_a_recreated_topic_is_read_from_its_beginning_and_the_old_one_is_a_gap():
    planned = plan(TOPIC, {("id-0", 0): 500, ("id-0", 1): 300})

    assert planned.spans == (Span(0, 0, 10), Span(1, 5, 8))
    assert planned.gaps == (Gap("t", 0, 500, None, RECREATED), Gap("t", 1, 300, None, RECREATED))


def test_a_partition_added_later_is_read_from_its_beginning():
    planned = plan(TOPIC, {("id-1", 0): 10, ("id-1", 1): 8})

    assert plan(
        TopicEnds("t", "id-1", {**TOPIC.ends, 3: (0, 2)}), {("id-1", 0): 10, ("id-1", 1): 8}
    ).spans == (*planned.spans, Span(3, 0, 2))
