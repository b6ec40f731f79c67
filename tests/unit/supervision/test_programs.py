import hashlib

import yaml

from streaming.settings import load
from streaming.supervision import dagster_home
from streaming.supervision.dagster_home import prepare_dagster_home
from streaming.supervision.programs import NAMES, programs


def _settings(tmp_path):
    return load(tmp_path, {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")})


def test_every_daemon_is_a_program_with_a_log_of_its_own(tmp_path):
    made = programs(_settings(tmp_path))
    assert tuple(p.name for p in made) == NAMES
    assert len({p.log_file for p in made}) == len(made)
    assert all(p.log_file.is_absolute() for p in made)


def test_a_daemon_has_time_to_drain(tmp_path):
    settings = _settings(tmp_path)
    waits = {p.name: p.stop_wait_s for p in programs(settings)}
    assert waits["scheduling"] > settings.scheduler.task_timeout_seconds
    assert waits["kafka"] >= 60


def test_daemons_find_the_state_folder_from_wherever_they_run(tmp_path):
    for program in programs(_settings(tmp_path)):
        assert program.env["TRAFFICMON_STATE_DIR"] == str(tmp_path / "state")


def test_dagsters_own_settings_are_not_overwritten(tmp_path):
    settings = _settings(tmp_path)
    home = prepare_dagster_home(settings)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert prepare_dagster_home(settings) == home
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def _instance(home):
    return yaml.safe_load((home / "dagster.yaml").read_text())


def test_at_its_defaults_the_instance_is_the_template(tmp_path):
    home = prepare_dagster_home(_settings(tmp_path))
    template = yaml.safe_load(dagster_home.TEMPLATE.read_text())
    assert _instance(home) == template


def test_dagsters_instance_follows_the_settings_at_each_start(tmp_path):
    prepare_dagster_home(_settings(tmp_path))
    changed = {
        "MAX_CONCURRENT_RUNS": "9",
        "MAX_RUN_SECONDS": "600",
        "SENSOR_THREADS": "2",
        "KEEP_TICKS_DAYS": "3",
    }
    environ = {f"TRAFFICMON_SERVING__DAGSTER__{name}": text for name, text in changed.items()}
    state = {"TRAFFICMON_STATE_DIR": str(tmp_path / "state")}
    found = _instance(prepare_dagster_home(load(tmp_path, environ | state)))
    assert found["concurrency"]["runs"]["max_concurrent_runs"] == 9
    assert found["run_monitoring"]["max_runtime_seconds"] == 600
    assert found["sensors"]["num_workers"] == 2
    assert found["retention"]["sensor"]["purge_after_days"]["failure"] == 3


def test_what_a_release_put_there_is_replaced_and_what_somebody_changed_is_not(
    tmp_path, monkeypatch
):
    home, said = tmp_path / "state" / "dagster", []
    home.mkdir(parents=True)
    for text, replaced in (("released: 1\n", True), ("released: 2\n", False)):
        monkeypatch.setattr(dagster_home, "_RELEASED", hashlib.sha256(b"released: 1\n").hexdigest())
        (home / "dagster.yaml").write_text(text)
        prepare_dagster_home(_settings(tmp_path), said.append)
        assert ((home / "dagster.yaml").read_text() != text) is replaced
    assert len(said) == 1
    assert "is your own: serving.dagster.* does not change it" in said[0]
