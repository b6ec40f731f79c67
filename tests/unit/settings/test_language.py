"""`prompt.language: auto` is the environment's language."""

import pytest

from streaming.settings import load, problems


@pytest.mark.parametrize(
    ("environ", "spoken"),
    [
        ({}, "zh"),  # the guide promises Chinese
        ({"LANG": "C"}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({"LANG": "POSIX"}, "zh"),
        ({"LANG": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "en_GB.UTF-8", "LC_ALL": "zh_CN"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": ""}, "en"),
        ({"LANG": "en_US.UTF-8", "TRAFFICMON_PROMPT__LANGUAGE": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TRAFFICMON_PROMPT__LANGUAGE": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "TRAFFICMON_PROMPT__LANGUAGE": "auto"}, "en"),
    ],
)
def test_descriptions_are_in_the_language_of_the_environment(configured, environ, spoken):
    for files in ({}, {"api_keys.yaml": "prompt: {language: auto}"}, {"api_keys.yaml": "prompt:"}):
        assert load(*configured(files, **environ)).prompt.spoken == spoken


def test_a_file_that_names_one_has_the_last_word(configured):
    files = {"api_keys.yaml": "prompt: {language: zh}"}
    assert load(*configured(files, LANG="en_US.UTF-8")).prompt.spoken == "zh"


def test_the_environments_language_hides_no_problem(configured):
    for text in ("prompt: 5", "prompt: {language: fr}", "prompt: {languag: en}"):
        assert len(problems(*configured({"api_keys.yaml": text}, LANG="en_US.UTF-8"))) == 1
