"""Kafka's jars are fetched once and checked; half a jar from a fetch cut off heals itself."""

import hashlib
import re

import pytest

from streaming.embedded import jars
from streaming.errors import DownloadFailed

WHOLE = b"PK a whole jar"


class Maven:
    """Fetches into a folder as jgo does: what lies there is not fetched again."""

    def __init__(self, folder, *sent):
        self.folder, self.sent = folder, list(sent)

    def __call__(self, jar):
        path = self.folder / f"{jar.artifact}-{jar.version}.jar"
        if not path.exists():
            path.write_bytes(self.sent.pop(0))
        return path


@pytest.fixture(autouse=True)
def _one_jar(tmp_path, monkeypatch):
    jar = jars.Jar("org.apache.kafka", "kafka", "4", hashlib.sha256(WHOLE).hexdigest())
    monkeypatch.setattr(jars, "locked", lambda: (jar,))
    monkeypatch.setattr(jars.tempfile, "gettempdir", lambda: str(tmp_path))


def _offline(_jar):
    raise ConnectionError("Max retries exceeded\nwith a long story")


def test_a_second_start_needs_no_network(tmp_path):
    said = []
    first = jars.classpath(tmp_path, said.append, Maven(tmp_path, WHOLE))
    assert jars.classpath(tmp_path, said.append, _offline) == first
    assert re.fullmatch(r"Kafka [\d.]+: 1 jars in [\d.]+ s", said[-1])
    assert len(said) == 2


def test_jars_that_were_deleted_are_fetched_again(tmp_path):
    maven = Maven(tmp_path, WHOLE, WHOLE)
    (path,) = jars.classpath(tmp_path, print, maven)
    path.unlink()
    assert jars.classpath(tmp_path, print, maven) == [path]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"jars": 1}'])
def test_a_note_that_is_none_is_written_anew(tmp_path, note):
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "jars.json").write_text(note)
    assert len(jars.classpath(tmp_path, print, Maven(tmp_path, WHOLE))) == 1


def test_half_a_jar_is_dropped_and_fetched_again(tmp_path):
    (path,) = jars.classpath(tmp_path, print, Maven(tmp_path, WHOLE[:5], WHOLE))
    assert path.read_bytes() == WHOLE


def test_a_jar_with_another_hash_is_never_run(tmp_path):
    with pytest.raises(DownloadFailed, match=r"kafka-4\.jar.*SHA-256"):
        jars.classpath(tmp_path, print, Maven(tmp_path, b"PK evil", b"PK evil"))
    assert list(tmp_path.glob("*.jar")) == []


def test_no_network_is_told_in_one_line_with_what_to_do(tmp_path):
    with pytest.raises(DownloadFailed, match=r"go online.*KAFKA_BOOTSTRAP_SERVERS") as caught:
        jars.classpath(tmp_path, print, _offline)
    assert "\n" not in str(caught.value)


def test_the_lock_names_every_jar_once_and_matches_the_version():
    names = [line.split(" ")[0] for line in jars.LOCK.read_text().splitlines()]
    assert len(names) == len(set(names)) > 40
    assert set(jars.COORDINATES.split("+")) <= set(names)
