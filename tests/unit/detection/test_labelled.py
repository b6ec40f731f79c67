"""Folders of labelled pictures, in the forms that tools write, and what is wrong with one."""

import cv2
import numpy as np
import pytest

from streaming.detection.labelled import labelled
from streaming.detection.tune import split
from streaming.errors import LabelsError


def picture(path, size=(100, 50)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), 90, np.uint8))


def test_labels_lie_beside_pictures_or_in_a_folder_of_their_own(tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("2 0.5 0.5 0.2 0.4\n")
    picture(tmp_path / "images" / "day" / "b.png")
    (tmp_path / "labels" / "day").mkdir(parents=True)
    (tmp_path / "labels" / "day" / "b.txt").write_text("0 0.1 0.1 0.2 0.2\n\n")
    a, b = labelled(tmp_path)
    (car,), (person,) = a.boxes((100, 50)), b.boxes((100, 50))
    assert (car.class_name, car.xyxy) == ("car", pytest.approx((40, 15, 60, 35)))
    assert (person.class_name, person.xyxy) == ("person", pytest.approx((0, 0, 20, 10)))
    assert a.image().shape == (50, 100, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.yaml", "names: [pedestrian, van]"),
        ("data.yaml", "names: {0: pedestrian, 1: van}"),
        ("classes.txt", "pedestrian\nvan\n"),
    ],
)
def test_the_folder_names_its_classes_and_they_become_ours(tmp_path, name, content):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.2 0.4\n0 0.5 0.5 0.2 0.4")
    (tmp_path / name).write_text(content)
    assert [b.class_name for b in labelled(tmp_path)[0].boxes((10, 10))] == ["car", "person"]


def test_classes_that_nobody_watches_are_left_out(tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.4")
    (tmp_path / "classes.txt").write_text("giraffe")
    assert labelled(tmp_path)[0].boxes((10, 10)) == []


def test_an_outline_becomes_the_box_around_it(tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("2 0.1 0.2 0.5 0.2 0.3 0.8")
    (car,) = labelled(tmp_path)[0].boxes((10, 10))
    assert car.xyxy == pytest.approx((1, 2, 5, 8))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("car 0.5 0.5 0.1 0.1", "a.txt:1"),
        ("2 0.5 0.5", "four numbers"),
        ("9 0.5 0.5 0.1 0.1", "class 9"),
    ],
)
def test_a_wrong_label_is_named_by_file_and_line(tmp_path, line, words):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text(line)
    with pytest.raises(LabelsError, match=words):
        labelled(tmp_path)[0].boxes((10, 10))


def test_a_folder_without_pictures_or_labels_says_so(tmp_path):
    with pytest.raises(LabelsError, match="no pictures"):
        labelled(tmp_path)
    picture(tmp_path / "a.jpg")
    with pytest.raises(LabelsError, match="no label"):
        labelled(tmp_path)
    (tmp_path / "a.txt").write_text("2 0.5 0.5 0.1 0.1")
    (tmp_path / "data.yaml").write_text("nc: 6")
    with pytest.raises(LabelsError, match="names"):
        labelled(tmp_path)


def test_tuning_holds_out_whole_stretches_and_counts_classes_as_we_do(tmp_path):
    for number in range(100):
        picture(tmp_path / "mine" / f"{number:03}.jpg", (8, 8))
        (tmp_path / "mine" / f"{number:03}.txt").write_text("0 0.5 0.5 0.5 0.5")
    (tmp_path / "mine" / "classes.txt").write_text("van")
    data = split(tmp_path / "mine", tmp_path / "work")
    assert (data.training, data.held_out) == (80, 20)
    held = sorted(p.name[-7:-4] for p in (tmp_path / "work/held-out/images").iterdir())
    assert held == [f"{n:03}" for n in (*range(40, 50), *range(90, 100))]
    first = labelled(data.held_out_folder)[0]
    assert [b.class_name for b in first.boxes((8, 8))] == ["car"]


def test_too_few_pictures_to_hold_any_out_are_refused(tmp_path):
    picture(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("2 0.5 0.5 0.1 0.1")
    with pytest.raises(LabelsError, match="41 or more"):
        split(tmp_path, tmp_path / "work")
