"""Decoding of photographs beside torchvision's ImageFolder."""

from itertools import product
from pathlib import Path

import pytest
import torch
from PIL import Image

from gengap.bench import turns
from gengap.bench.cases import Case
from gengap.bench.loops import LOOPS
from gengap.cli.bench import main
from gengap.errors import UserError
from gengap.report.measurements import read_measurements
from gengap.report.photographs import photographs_table

pytestmark = pytest.mark.slow


def test_photographs_are_decoded_beside_imagefolder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command on files of one color."""
    for split, name in product(("train", "val"), ("a", "b")):
        (tmp_path / "few" / split / name).mkdir(parents=True)
        for k in range(24):
            Image.new("RGB", (50, 40), (k, 0, 0)).save(tmp_path / "few" / split / name / f"{k}.JPEG")
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    words = ["workload=photographs_c1", "precision=fp32", "rounds=1", f"results_dir={tmp_path}"]
    assert main([*words, f"data.root={tmp_path}", "data.folder=few"]) == 0
    (document,), unreadable = read_measurements(tmp_path)
    assert unreadable == []
    (row,) = document["photographs"]
    assert document["rows"] == []
    assert (row["method"], row["files"], row["resize"], row["crop"]) == ("sb", 48, 36, 32)
    assert row["ratio"] == pytest.approx(row["image_folder_seconds"] / row["gengap_seconds"])  # of one turn
    page = next((tmp_path / "bench").glob("*.md")).read_text()
    table = capsys.readouterr().out.splitlines()[1]
    assert table in page
    assert f"| {1 / row['gengap_seconds'] / row['cores']:,.0f} |" in page
    assert "| C1, photographs (few) | SB | fp32 |" in page
    with pytest.raises(UserError, match="no images in .*/none/train"):
        main([*words, f"data.root={tmp_path}", "data.folder=none"])


def test_both_decode_the_same_photographs_to_the_same_crops(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / "few" / split / "a").mkdir(parents=True)
        for k in range(40):
            Image.new("RGB", (50, 40), (6 * k, 0, 0)).save(tmp_path / "few" / split / "a" / f"{k}.png")
    case = Case("photographs_c1", "sb", ("fp32",), (f"data.root={tmp_path}", "data.folder=few"))
    config = case.config("fp32")
    config.runtime.workers = 0
    seen = [LOOPS[name](config)[0]() for name in ("photographs", "image_folder")]
    for pixels, labels in seen:
        assert pixels.shape == (32, 3, 32, 32)
        assert labels.tolist() == [0] * 32
    red = (torch.arange(40) * 6 / 255 - 0.485) / 0.229
    for pixels, _ in seen:
        assert (pixels[:, 0, :1, 0] - red).abs().min(1).values.max() < 1e-5


@pytest.mark.parametrize(("ours", "update", "limit"), [(0.002, 0.001, "decoding"), (0.001, 0.002, "device")])
def test_the_slower_of_decoding_and_updates_limits(ours: float, update: float, limit: str) -> None:
    row = {"workload": "imagenet_alexnet", "method": "sb", "precision": "fp32", "files": 1000, "cores": 4}
    row |= {"file_bytes": 110_000, "resize": 256, "crop": 224, "ratio": 2.0}
    row |= {"gengap_seconds": ours, "image_folder_seconds": 2 * ours, "update_seconds": update}
    (found,) = photographs_table([row]).rows
    assert found[:2] == ("Alexnet, ImageNet", "SB")
    assert found[-1] == limit
    assert found[7:9] == (f"{1 / ours:,.0f}", f"{1 / ours / 4:,.0f}")
