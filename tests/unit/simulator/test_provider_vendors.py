"""Each vendor's way of saying what went wrong is understood by the client's own table."""

import json
from typing import get_args

import pytest

from streaming.scheduling import error_body
from streaming.scheduling.meaning import Answer, meaning
from streaming.scheduling.outcomes import Outcome
from streaming.settings.serving import OutcomeName
from streaming.settings.vendors import Vendor
from streaming.simulator.provider_vendors import saying

COMPLETIONS = {Outcome.ANSWERED, Outcome.CUT_SHORT, Outcome.EMPTY}


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("outcome", sorted(set(Outcome) - COMPLETIONS))
def test_what_a_vendor_says_is_what_was_asked_for(vendor, outcome):
    status, body = saying(vendor, outcome)
    said = error_body.read(json.dumps(body).encode())
    assert meaning(Answer(status, said, vendor)) is outcome


def test_every_outcome_but_an_answer_can_be_asked_for_in_the_settings():
    assert set(get_args(OutcomeName)) == {o.value for o in Outcome} - {"answered"}
