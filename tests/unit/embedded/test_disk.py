import pytest

from streaming.embedded import disk
from streaming.errors import DiskFull


def test_a_disk_with_room_passes_and_the_folder_is_there(tmp_path):
    disk.require_space(tmp_path / "a" / "b", min_free_bytes=1)
    assert (tmp_path / "a" / "b").is_dir()


def test_a_full_disk_names_the_variable_to_set(tmp_path):
    with pytest.raises(DiskFull, match="TRAFFICMON_STATE_DIR"):
        disk.require_space(tmp_path, min_free_bytes=1 << 60)


def test_a_folder_that_cannot_be_made_names_the_variable_to_set(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskFull, match="TRAFFICMON_STATE_DIR"):
        disk.require_space(tmp_path / "file" / "below")
