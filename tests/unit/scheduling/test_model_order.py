"""Which model is asked next."""

from streaming.scheduling.model_order import ModelOrder


def test_models_are_asked_in_the_order_of_the_settings():
    order = ModelOrder(("a", "b", "c"))
    assert [order.first(0.0), order.after("a", 0.0), order.after("c", 0.0)] == ["a", "b", None]


def test_a_missing_one_is_left_out_until_a_while_has_passed():
    order = ModelOrder(("a", "b", "c"))
    order.missing("b", 0.0)
    assert [order.after("a", 299.0), order.after("a", 300.0)] == ["c", "b"]


def test_of_missing_ones_the_one_missed_first_is_asked_again():
    order = ModelOrder(("a", "b"))
    order.missing("b", 0.0)
    order.missing("a", 1.0)
    assert (order.first(2.0), order.after("b", 2.0)) == ("b", None)
