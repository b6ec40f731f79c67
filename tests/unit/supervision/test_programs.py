from streaming.settings import load
from streaming.supervision.programs import NAMES, prepare_dagster_home, programs


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
