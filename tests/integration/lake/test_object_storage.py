"""The lake with its Parquet files in object storage, by settings alone: moto speaks S3 over HTTP."""

import http.client
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from streaming.embedded import ports
from streaming.kafka import admin
from streaming.lake import LakeUnavailable, ask, opened
from streaming.lake.ingest import ingest
from streaming.lake.schema import ensure_schema
from streaming.lake.streams import DETECTION_STREAM
from streaming.lake.upkeep import retire, tidy
from tests.integration.lake.topics_to_lake import frames, send
from tests.needs import ROOT
from tests.waiting import eventually

SERVER = ROOT / ".venv-moto/bin/moto_server"
BUCKET = "trafficmon"
SECRET = "a-secret-of-the-storage"

pytestmark = pytest.mark.needs("moto")


class Storage:
    """A server with one bucket; `address` is host:port."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{ports.any_free()}"
        host, port = self.address.split(":")
        self._process = subprocess.Popen(
            [SERVER, "-H", host, "-p", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(lambda: self._answers("PUT", f"/{BUCKET}"))

    def files(self):
        """Keys of the Parquet files in the bucket."""
        return re.findall(rb"<Key>([^<]*\.parquet)</Key>", self._answers("GET", f"/{BUCKET}"))

    def close(self):
        self._process.kill()
        self._process.wait()

    def _answers(self, method, path):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status == 200 and (answer.read() or b"empty")
        except OSError:
            return None
        finally:
            connection.close()


@pytest.fixture
def storage():
    made = Storage()
    yield made
    made.close()


@pytest.fixture
def settings(make_settings, storage):
    settings = make_settings(
        TRAFFICMON_LAKE__DATA_PATH=f"s3://{BUCKET}/lake",
        TRAFFICMON_LAKE__S3__ENDPOINT=storage.address,
        TRAFFICMON_LAKE__S3__KEY_ID="an-id",
        TRAFFICMON_LAKE__S3__SECRET=SECRET,
        TRAFFICMON_LAKE__S3__USE_SSL="false",
        TRAFFICMON_LAKE__S3__PATH_STYLE="true",
    )
    admin.ensure_topics(settings.kafka)
    return settings


def bring(settings):
    with opened(settings) as con:
        ensure_schema(con)
        return ingest(con, settings.kafka, DETECTION_STREAM)


def test_rows_lie_in_the_bucket_and_are_read_merged_and_retired_there(settings, storage):
    for portion in range(3):
        send(
            settings,
            settings.kafka.topics.detection_results,
            frames(portion * 100, 100 * (portion + 1)),
        )
        assert bring(settings).messages == 100
    before = storage.files()
    assert len(before) >= 3
    assert not list(settings.state_dir.rglob("*.parquet"))

    now = datetime.now(UTC).replace(tzinfo=None)
    with opened(settings) as con:
        assert tidy(con, keep=timedelta(0))["merges"] > 0
    assert ask(settings, "SELECT count(*), sum(object_count) FROM detections").rows == ((300, 600),)
    assert bring(settings).messages == 0

    with opened(settings) as con:
        retire(con, {"detections": 1}, now=now.replace(year=now.year + 1))
    assert ask(settings, "SELECT count(*) FROM detections").rows == ((0,),)


def test_a_storage_that_is_gone_is_one_error_that_names_the_setting_and_loses_nothing(
    settings, storage
):
    send(settings, settings.kafka.topics.detection_results, frames(0, 50))
    bring(settings)
    send(settings, settings.kafka.topics.detection_results, frames(50, 100))
    storage.close()

    for act in (
        lambda: bring(settings),
        lambda: ask(settings, "SELECT max(model) FROM detections"),
    ):
        with pytest.raises(LakeUnavailable, match=r"lake\.data_path.*lake\.s3") as told:
            act()
        assert SECRET not in str(told.value)
