"""Image files of every mode and in every state of damage, against the default loader of ImageFolder."""

import os
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torchvision.datasets.folder import default_loader
from torchvision.transforms.v2 import functional as tf

from gengap.config.schema import Data
from gengap.data.decoded import DecodedImages
from gengap.data.image_file import read_resized
from gengap.data.sources import ImageFiles
from gengap.errors import FaultError, UserError

COLORS = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
PICTURE = Image.fromarray(COLORS).resize((60, 40), Image.Resampling.BICUBIC)
WIDE = np.linspace(0, 2**16 - 1, 60 * 40).astype(np.uint16).reshape(40, 60)


def lab():
    profiles = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
    return ImageCms.applyTransform(PICTURE, ImageCms.buildTransform(*profiles, "RGB", "LAB"))


def saved(path, mode="RGB", **options):
    image = lab() if mode == "LAB" else PICTURE.convert(mode)
    image.save(path, **options)
    return path


def at_its_size(path):
    """The pixels (40, 60, 3) of an image of PICTURE's size, which resizing leaves as they are."""
    return read_resized(path, 40).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("mode", "file", "options"),
    [
        *[(m, "x.png", {}) for m in ("1", "L", "LA", "P", "RGB", "RGBA")],
        *[(m, "x.tif", {}) for m in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX")],
        *[(m, "x.tif", {}) for m in ("CMYK", "YCbCr", "LAB")],
        *[(m, "x.jpg", {}) for m in ("L", "RGB", "CMYK", "YCbCr")],
        *[("RGB", f"x.{s}", {}) for s in ("bmp", "ppm", "webp", "gif", "avif", "jp2")],
        ("P", "x.png", {"transparency": bytes(range(256))}),
        ("P", "x.gif", {"transparency": 3}),
        ("L", "x.pgm", {}),
        ("RGBA", "x.webp", {}),
    ],
)  # fmt: skip
def test_every_mode_comes_out_as_from_imagefolder_s_loader(mode, file, options, tmp_path, recwarn):
    path = str(saved(tmp_path / file, mode, **options))
    found = at_its_size(path)
    assert list(recwarn) == []
    np.testing.assert_array_equal(found, default_loader(path))


SCENE = np.add.outer(np.arange(300) // 3, np.arange(420) // 4)[..., None] + np.array([0, 20, 40])


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": 6}])
def test_a_jpeg_decoded_at_a_scale_is_the_whole_one_resized(mode, options, tmp_path, recwarn):
    """Turned by EXIF it is not, and its size follows from that in the file, whose halves are not whole."""
    image = Image.fromarray(SCENE.astype(np.uint8)).resize((421, 302), Image.Resampling.BICUBIC)
    if "exif" in options:
        options = {"exif": Image.Exif()}
        options["exif"][0x0112] = 6  # rotated by 90 degrees
    path = tmp_path / "x.jpg"
    image.convert(mode).save(path, quality=95, **options)
    for side, height, width in [(302, 302, 421), (151, 151, 210), (100, 100, 139), (40, 40, 55), (9, 9, 12)]:
        found = read_resized(str(path), side)
        assert found.shape == (3, height, width)
        expected = tf.resize(tf.pil_to_tensor(default_loader(str(path))), [height, width])
        assert (found.int() - expected.int()).abs().float().mean() < 1.5  # of 255
    assert list(recwarn) == []


def test_a_jpeg_is_decoded_at_the_smallest_scale_that_is_enough(tmp_path, monkeypatch):
    """As libjpeg can: 1/2, 1/4 and 1/8."""
    path = tmp_path / "x.jpg"
    Image.new("RGB", (800, 640)).save(path)
    sizes = []
    array = np.array
    monkeypatch.setattr(np, "array", lambda image: sizes.append(image.size) or array(image))
    for side in (640, 321, 320, 161, 160, 80, 7):
        read_resized(str(path), side)
    assert sizes == [(800, 640)] * 2 + [(400, 320)] * 2 + [(200, 160)] + [(100, 80)] * 2


@pytest.mark.parametrize("side", [1, 7, 25, 40, 41, 97, 256])
def test_pixels_are_those_of_torchvision_s_resize(side, tmp_path):
    path = str(saved(tmp_path / "x.png"))
    found = read_resized(path, side)
    assert torch.equal(found, tf.resize(tf.pil_to_tensor(default_loader(path)), [side, side * 60 // 40]))
    assert found.permute(1, 2, 0).is_contiguous()


def test_hsv_is_converted_as_pil_converts_it(monkeypatch, tmp_path):
    """No format stores HSV, but a plugin of PIL may."""
    path = saved(tmp_path / "x.png")
    monkeypatch.setattr("gengap.data.image_file.Image.open", lambda _: PICTURE.convert("HSV"))
    np.testing.assert_array_equal(at_its_size(path), PICTURE.convert("HSV").convert("RGB"))


def test_orientation_in_exif_is_not_applied_as_in_imagefolder(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    path = str(saved(tmp_path / "x.jpg", exif=exif))
    assert default_loader(path).size == (60, 40)
    assert at_its_size(path).shape == (40, 60, 3)


@pytest.mark.parametrize("file", ["x.png", "x.tif", "x.jp2", "big-endian.tif", "x.pgm", "plain.pgm"])
def test_16_bit_grayscale_keeps_its_upper_8_bits(file, tmp_path):
    path = tmp_path / file
    if file == "plain.pgm":
        path.write_text("P2 60 40 65535\n" + " ".join(map(str, WIDE.ravel())))
    elif file == "big-endian.tif":
        path.write_bytes(tiff(WIDE.astype(">u2").tobytes(), 16, order=">"))
    else:
        Image.fromarray(WIDE).save(path)
    found = at_its_size(path)
    np.testing.assert_array_equal(found, np.repeat((WIDE >> 8).astype(np.uint8)[..., None], 3, 2))


def tiff(pixels, bits, photometric=1, sample_format=1, order="<"):
    """An uncompressed grayscale TIFF of 60x40 pixels."""
    tags = [(256, 60), (257, 40), (258, bits), (259, 1), (262, photometric), (273, 134), (277, 1), (278, 40)]
    tags += [(279, len(pixels)), (339, sample_format)]
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    start = struct.pack(order + "2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return start + entries + bytes(4) + pixels


def test_a_tiff_of_12_bits_or_white_at_zero_comes_out_right(tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(tiff((2**16 - 1 - WIDE).astype("<u2").tobytes(), 16, photometric=0))
    np.testing.assert_array_equal(at_its_size(path)[..., 0], WIDE >> 8)
    first, second = (WIDE >> 4).reshape(-1, 2).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8)
    path.write_bytes(tiff(packed.tobytes(), 12))
    np.testing.assert_array_equal(at_its_size(path)[..., 0], WIDE >> 8)


def test_color_of_16_bits_keeps_its_upper_8_bits(tmp_path):
    path = tmp_path / "x.ppm"
    wide = np.arange(256, dtype=">u2") * 257
    path.write_bytes(b"P6 1 256 65535\n" + np.repeat(wide, 3).tobytes())
    assert read_resized(path, 1).permute(1, 2, 0).tolist() == [[[v] * 3] for v in range(256)]


@pytest.mark.parametrize(
    ("pixels", "bits", "sample_format"), [("<i4", 32, 2), ("<u4", 32, 1), ("<f4", 32, 3), ("<i2", 16, 2)]
)
def test_pixels_without_a_known_range_are_refused_by_name(pixels, bits, sample_format, tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(WIDE.astype(pixels).tobytes(), bits, sample_format=sample_format))
    with pytest.raises(UserError, match=r"x\.tif can't be read: the range of its pixels \(PIL's mode [IF]\)"):
        at_its_size(path)


def bomb(path, pixels):
    """A PNG that claims to have this many pixels."""
    saved(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", pixels // 10_000, 10_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)


def cut(path, part=0.6):
    saved(path)
    os.truncate(path, int(path.stat().st_size * part))


def beheaded(path):
    saved(path)
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes(b ^ 0xFF for b in data[40:]))


UNREADABLE = {
    "bomb of 100 million pixels": ("x.png", lambda p: bomb(p, 100_000_000)),
    "bomb of 10 billion pixels": ("x.png", lambda p: bomb(p, 10_000_000_000)),
    **{
        f"{how.__name__} {s}": (f"x.{s}", how)
        for s in ("jpg", "png", "gif", "webp", "avif", "bmp", "tif", "jp2")
        for how in (cut, beheaded)
        if (s, how) != ("bmp", beheaded)  # its pixels are as good as others
    },
    "empty": ("x.jpg", lambda p: p.touch()),
    "text": ("x.jpg", lambda p: p.write_text("not an image")),
    "folder": ("x.jpg", lambda p: p.mkdir()),
    "named pipe": ("x.jpg", os.mkfifo),
    "missing": ("x.jpg", lambda p: None),
    "dangling link": ("x.jpg", lambda p: p.symlink_to("nowhere.jpg")),
    "link to itself": ("x.jpg", lambda p: p.symlink_to(p.name)),
    "too narrow": ("x.png", lambda p: Image.new("RGB", (1, 60_000)).save(p)),
}


@pytest.mark.parametrize(("file", "make"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_t_be_read_is_one_line_that_names_the_file(file, make, tmp_path):
    make(tmp_path / file)
    with pytest.raises(UserError) as error:
        read_resized(str(tmp_path / file), 64)
    assert str(error.value).startswith(f"{tmp_path / file} ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    "kind", ["bomb of 100 million pixels", "bomb of 10 billion pixels", "cut avif", "folder"]
)
def test_the_line_is_the_same_from_a_worker_process(kind, tmp_path):
    file, make = UNREADABLE[kind]
    make(tmp_path / file)
    config = Data(name="imagenet", resize=32, crop=28, mean=[0.5] * 3, std=[0.5] * 3, bad_photographs=0)
    files = ImageFiles(
        np.array([str(saved(tmp_path / "good.png")), str(tmp_path / file)], object), np.arange(2)
    )
    images = DecodedImages(files, config, torch.device("cpu"), 1, augment=False)
    with pytest.raises(UserError) as here:
        read_resized(str(tmp_path / file), 32)
    with pytest.raises(UserError) as there:
        list(images.evaluation_batches(2))
    assert f"(the last: {here.value})" in str(there.value)


def test_a_name_that_would_break_the_line_is_escaped(tmp_path):
    with pytest.raises(UserError, match=r"two\\nlines\.jpg' can't be read"):
        read_resized(tmp_path / "two\nlines.jpg", 40)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg"])
def test_decoders_print_nothing_of_their_own(compression, tmp_path, capfd):
    """libtiff writes to file descriptor 2, and PIL to a logger."""
    random = np.random.default_rng(0)
    path = tmp_path / "image.tif"
    Image.fromarray(random.integers(0, 255, (64, 64, 3), np.uint8)).save(path, compression=compression)
    whole, refused = path.read_bytes(), 0
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(0, len(whole), 3)] = random.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        refused += 1
        with suppress(FaultError):
            read_resized(path, 64)
            refused -= 1
    assert refused > 5
    assert capfd.readouterr() == ("", "")
