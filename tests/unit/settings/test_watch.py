"""A daemon follows its key file, and nothing half-written or broken ever takes effect."""

import os

import pytest

from streaming.errors import ConfigError
from streaming.settings import ApiKey, load
from streaming.settings.watch import SettingsWatch, watch_keys

ONE = "api_keys: [{key: sk-one}]"
TWO = "api_keys: [{key: sk-one}, {key: sk-two, rpm_limit: 60}]"
BROKEN = "api_keys: [{key: sk-one, rpm_limit: -5}]"


class Watched:
    """A watch on files in a folder, and what it reported."""

    def __init__(self, folder, environ):
        self.file = folder / "api_keys.yaml"
        self.problems = []
        self.watch = watch_keys(
            load(folder, environ), self.problems.append, config_dir=folder, environ=environ
        )
        self.settle()

    def settle(self):
        """Two polls: a change counts when both see it."""
        return self.watch.changed() or self.watch.changed()

    def keys(self):
        return [(k.id, k.rpm_limit) for k in self.watch.in_force.api_keys]


@pytest.fixture
def watched(configured):
    return Watched(*configured({"api_keys.yaml": ONE}))


def test_untouched_files_say_nothing(watched):
    assert [watched.watch.changed() for _ in range(3)] == [None] * 3
    assert watched.keys() == [("key_1", 300)]


def test_a_file_edited_in_place_counts_once_two_polls_agree(watched):
    watched.file.write_text(TWO)
    assert watched.watch.changed() is None
    assert [k.id for k in watched.watch.changed().api_keys] == ["key_1", "key_2"]
    assert watched.watch.changed() is None


def test_a_file_replaced_by_rename_counts_even_with_the_time_and_size_of_the_old_one(watched):
    before = watched.file.stat()
    new = watched.file.with_suffix(".new")
    new.write_text(ONE.replace("one", "two"))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(watched.file)
    assert watched.settle().api_keys[0].key.get_secret_value() == "sk-two"


def test_a_touched_file_with_the_same_content_changes_nothing(watched):
    os.utime(watched.file, ns=(0, 0))
    assert watched.settle() is None


def test_a_change_made_between_loading_and_watching_is_not_missed(configured):
    folder, environ = configured({"api_keys.yaml": ONE})
    early = load(folder, environ)
    (folder / "api_keys.yaml").write_text(TWO)
    watch = watch_keys(early, pytest.fail, config_dir=folder, environ=environ)
    assert watch.changed() is None
    assert len(watch.changed().api_keys) == 2


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda f: f.write_text(BROKEN), "api_keys[0].rpm_limit must be 1 or more"),
        (lambda f: f.write_text("api_keys: ["), "not YAML"),
        (lambda f: f.write_text(""), "is empty; what it said stays in force"),
        (lambda f: f.write_text("api_keys: []"), "the last key is gone"),
        (lambda f: f.unlink(), "is gone; what it said stays in force"),
    ],
)
def test_what_is_spoiled_is_reported_once_and_mended_without_a_restart(watched, spoil, problem):
    spoil(watched.file)
    assert [watched.settle() for _ in range(3)] == [None] * 3
    assert [problem in str(p) for p in watched.problems] == [True]
    assert watched.keys() == [("key_1", 300)]
    watched.file.write_text(TWO)
    assert watched.settle() is not None
    assert watched.keys() == [("key_1", 300), ("key_2", 60)]


def test_the_same_problem_after_a_mend_is_reported_again(watched):
    for text in (BROKEN, ONE, BROKEN):
        watched.file.write_text(text)
        assert watched.settle() is None
    assert len(watched.problems) == 2


def test_a_second_problem_is_reported_too(watched):
    for text in (BROKEN, "api_keys: ["):
        watched.file.write_text(text)
        watched.settle()
    assert len(watched.problems) == 2


def test_a_file_mended_beside_the_key_file_is_noticed(watched):
    other = watched.file.with_name("serving.yaml")
    other.write_text("serving: {api: {port: no}}")
    watched.file.write_text(TWO)
    assert watched.settle() is None
    assert watched.problems
    other.write_text("serving: {api: {port: 5000}}")
    assert len(watched.settle().api_keys) == 2


def test_a_file_written_while_it_is_read_is_read_again(tmp_path, configured):
    folder, environ = configured({"api_keys.yaml": ONE})
    file = folder / "api_keys.yaml"
    texts = [TWO]

    def load_slowly():
        found = load(folder, environ)
        if texts:
            file.write_text(texts.pop())
        return found

    watch = SettingsWatch((file,), load_slowly, load(folder, environ), pytest.fail)
    changes = [watch.changed() for _ in range(5)]
    assert [len(c.api_keys) for c in changes if c] == [2]


@pytest.mark.parametrize(
    ("files", "environ"),
    [
        ({}, {"DASHSCOPE_API_KEY": "sk-one"}),
        ({"api_keys.yaml": "scheduler: {queue_size: 9}"}, {"DASHSCOPE_API_KEY": "sk-one"}),
        ({"api_keys.yaml": "api_keys: []"}, {}),
    ],
)
def test_keys_that_come_from_no_file_are_not_watched(configured, files, environ):
    folder, environ = configured(files, **environ)
    watched = Watched(folder, environ)
    watched.file.write_text(TWO)
    assert watched.watch.paths == ()
    assert watched.settle() is None


def test_settings_that_were_never_in_the_files_are_not_replaced_by_them(configured):
    folder, environ = configured({"api_keys.yaml": ONE})
    own = ApiKey(id="bench", key="b-1")
    made = load(folder, environ).model_copy(update={"api_keys": (own,)})
    watch = watch_keys(made, pytest.fail, config_dir=folder, environ=environ)
    assert [watch.changed() for _ in range(3)] == [None] * 3


def test_settings_that_cannot_be_loaded_at_first_are_an_error(configured):
    with pytest.raises(ConfigError):
        Watched(*configured({"api_keys.yaml": BROKEN}))
