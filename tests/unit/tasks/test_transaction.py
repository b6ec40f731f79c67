"""What a transaction does with each kind of error, as librdkafka documents them."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from streaming.errors import KafkaUnreachable
from streaming.tasks import transaction
from streaming.tasks.transaction import Aborted, Transactions


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(transaction, "_AGAIN_S", 0.0)


def error(code=KafkaError._TIMED_OUT, **flags):
    return KafkaException(KafkaError(code, "told", **flags))


RETRIABLE = error(retriable=True)
ABORTABLE = error(KafkaError.UNKNOWN_MEMBER_ID, txn_requires_abort=True)
FATAL = error(KafkaError._FATAL, fatal=True)
FENCED = error(KafkaError._FENCED, fatal=True)


class Played:
    """A producer and a consumer that raise what the script says, call by call."""

    def __init__(self, **script):
        self.script = {name: list(raises) for name, raises in script.items()}
        self.calls = []

    def _call(self, name):
        self.calls.append(name)
        if self.script.get(name) and (exc := self.script[name].pop(0)):
            raise exc

    def init_transactions(self, _timeout):
        self._call("init")

    def begin_transaction(self):
        self._call("begin")

    def send_offsets_to_transaction(self, _offsets, _metadata, _timeout):
        self._call("offsets")

    def commit_transaction(self, _timeout):
        self._call("commit")

    def abort_transaction(self, _timeout):
        self._call("abort")

    def consumer_group_metadata(self):
        return None


def run(played):
    def produce():
        played._call("produce")
        return []

    Transactions(played, "tasks-1").run(produce, played)


def test_the_steps_are_in_order():
    played = Played()
    run(played)
    assert played.calls == ["begin", "produce", "offsets", "commit"]


@pytest.mark.parametrize("step", ["offsets", "commit"])
def test_a_retriable_error_repeats_the_call(step):
    played = Played(**{step: [RETRIABLE, RETRIABLE]})
    run(played)
    assert played.calls.count(step) == 3
    assert "abort" not in played.calls


@pytest.mark.parametrize("step", ["produce", "offsets", "commit"])
def test_an_abortable_error_undoes_everything(step):
    played = Played(**{step: [ABORTABLE]})
    with pytest.raises(Aborted):
        run(played)
    assert played.calls[-1] == "abort"


def test_a_full_queue_undoes_everything():
    played = Played(produce=[BufferError("queue full")])
    with pytest.raises(Aborted):
        run(played)
    assert played.calls == ["begin", "produce", "abort"]


def test_an_abort_is_repeated_too():
    played = Played(commit=[ABORTABLE], abort=[RETRIABLE])
    with pytest.raises(Aborted):
        run(played)
    assert played.calls[-2:] == ["abort", "abort"]


@pytest.mark.parametrize("step", ["begin", "produce", "offsets", "commit"])
def test_a_fatal_error_ends_the_worker(step):
    with pytest.raises(KafkaUnreachable, match="tasks-1 cannot go on"):
        run(Played(**{step: [FATAL]}))


def test_a_fenced_worker_says_who_may_have_fenced_it():
    told = "another process has the transactional id tasks-1.* an --instance-id of its own"
    with pytest.raises(KafkaUnreachable, match=told):
        run(Played(commit=[FENCED]))
    with pytest.raises(KafkaUnreachable, match=told):
        Transactions(Played(init=[FENCED]), "tasks-1").prepare(1)


def test_preparing_waits_for_a_coordinator_that_is_not_ready():
    played = Played(init=[RETRIABLE, RETRIABLE])
    Transactions(played, "tasks-1").prepare(30)
    assert played.calls == ["init"] * 3


def test_preparing_does_not_wait_for_ever():
    with pytest.raises(KafkaUnreachable, match="tasks-1 cannot go on"):
        Transactions(Played(init=[RETRIABLE] * 3), "tasks-1").prepare(0)


def test_a_call_that_hangs_ends_the_process(monkeypatch):
    monkeypatch.setattr(transaction, "_HUNG_S", 0.05)
    monkeypatch.setattr(transaction, "_LOOK_S", 0.01)
    ended = threading.Event()

    class Hanging(Played):
        def send_offsets_to_transaction(self, *_args):
            assert ended.wait(10), "nobody noticed"

    transactions = Transactions(Hanging(), "tasks-1", on_hung=ended.set)
    transactions.prepare(1)
    transactions.run(list, Hanging())
    assert ended.is_set()
