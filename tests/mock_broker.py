"""librdkafka's own mock broker, for what a real one answers only at one moment.

with started() as broker: broker.answer_once(Api.OFFSET_FETCH, KafkaError.NOT_COORDINATOR)
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import confluent_kafka

_PRODUCER = 0


class Api(IntEnum):
    """Kinds of requests, as the protocol numbers them."""

    OFFSET_FETCH = 9


@dataclass(frozen=True)
class MockBroker:
    address: str
    _library: ctypes.CDLL
    _cluster: ctypes.c_void_p

    def create_topic(self, name: str, partitions: int) -> None:
        create = self._library.rd_kafka_mock_topic_create
        assert create(self._cluster, name.encode(), partitions, 1) == 0

    def answer_once(self, api: Api, error: int) -> None:
        """The next request of this kind is answered by this error."""
        push = self._library.rd_kafka_mock_push_request_errors
        push(self._cluster, ctypes.c_int16(api), ctypes.c_size_t(1), ctypes.c_int(error))


@contextmanager
def started() -> Iterator[MockBroker]:
    library = _library()
    config = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(config, b"log_level", b"2", None, ctypes.c_size_t(0))
    owner = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, config, None, ctypes.c_size_t(0)))
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(owner, 1))
    try:
        address = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        yield MockBroker(address, library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(owner)


def _library() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka came with."""
    package = Path(confluent_kafka.__file__).parent
    (path,) = package.with_name("confluent_kafka.libs").glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library
