"""Telling people of alerts: what is said, and by which channels."""

from streaming.notify.deliver import Delivery, deliver
from streaming.notify.notice import Notice, a_test

__all__ = ["Delivery", "Notice", "a_test", "deliver"]
