"""Settings whose topics exist."""

import pytest

from streaming.kafka import admin


@pytest.fixture
def settings(make_settings):
    settings = make_settings()
    admin.ensure_topics(settings.kafka)
    return settings
