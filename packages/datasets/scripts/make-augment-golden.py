"""Golden pixels of the operations of RandAugment, from Pillow, called as timm 1.0.29 calls them (data/auto_augment.py).

    pip install pillow
    python packages/datasets/scripts/make-augment-golden.py
    npx biome format --write packages/datasets/src/augment/golden.json

writes src/augment/golden.json. The source image is made by the formula of `pixel`, which src/preprocess/golden.fixture.ts repeats.
"""

import base64
import json
from pathlib import Path

import PIL
from PIL import Image, ImageEnhance, ImageOps

HEIGHT, WIDTH = 14, 17
FILL = [124, 7, 200]
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def pixel(y, x, c):
    """As in make-preprocess-golden.py: flat areas, slopes, hard edges and noise."""
    kind = (x // 16 + y // 16 + c) % 4
    if kind == 0:
        return (x * 5 + y * 3 + c * 40) % 256
    if kind == 1:
        return 255 if (x // 3 + y // 2) % 2 else 0
    if kind == 2:
        return ((x + 7) * (y + 11) * (c + 3) * 2654435) % 65521 % 256
    return 200 - c * 50


def source(channels, height=HEIGHT, width=WIDTH, scale=4):
    data = bytes(pixel(scale * y, scale * x, c) for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), data)


def large(channels):
    """Enough pixels for `equalize` to do anything."""
    return source(channels, 30, 36)


def dull(channels):
    """Values from 60 to 187, so that there is contrast to be had."""
    return source(channels).point(lambda value: 60 + value // 2)


def solarize_add(image, added):
    return image.point([min(255, i + added) if i < 128 else i for i in range(256)] * len(image.getbands()))


def moved(image, matrix, interpolation):
    fill = tuple(FILL) if image.mode == "RGB" else FILL[0]
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=FILTERS[interpolation], fillcolor=fill)


def rotated(image, degrees, interpolation):
    fill = tuple(FILL) if image.mode == "RGB" else FILL[0]
    return image.rotate(degrees, resample=FILTERS[interpolation], fillcolor=fill)


entries = []


def add(operation, image, result, *arguments, of="source"):
    channels = len(image.getbands())
    assert result.size == image.size and result.mode == image.mode
    entries.append(
        {
            "operation": operation,
            "channels": channels,
            "of": of,
            "arguments": list(arguments),
            "base64": base64.b64encode(result.tobytes()).decode(),
        }
    )


for channels in (3, 1):
    image = source(channels)
    grown = dull(channels)
    add("autoContrast", grown, ImageOps.autocontrast(grown), of="dull")
    assert ImageOps.equalize(large(channels)) != large(channels)
    add("equalise", large(channels), ImageOps.equalize(large(channels)), of="large")
    add("invert", image, ImageOps.invert(image))
    for bits in (0, 2, 4):
        add("posterise", image, ImageOps.posterize(image, bits), bits)
    for threshold in (0, 100, 256):
        add("solarise", image, ImageOps.solarize(image, threshold), threshold)
    for added in (0, 77, 110):
        add("solariseAdd", image, solarize_add(image, added), added)
    for operation, enhancer in {
        "colour": ImageEnhance.Color,
        "contrast": ImageEnhance.Contrast,
        "brightness": ImageEnhance.Brightness,
        "sharpness": ImageEnhance.Sharpness,
    }.items():
        for factor in (0.1, 0.73, 1.0, 1.9):
            if channels == 3 or operation != "colour":
                add(operation, image, enhancer(image).enhance(factor), factor)
    for interpolation in FILTERS:
        for degrees in (-27, 0, 13.5):
            add("rotate", image, rotated(image, degrees, interpolation), degrees, interpolation)
        for matrix in ([1, 0.27, 0, 0, 1, 0], [1, 0, 0, -0.3, 1, 0], [1, 0, -5.4, 0, 1, 0], [1, 0, 0, 0, 1, 3.3]):
            add("affine", image, moved(image, matrix, interpolation), matrix, interpolation)

golden = {"madeWith": f"Pillow {PIL.__version__}", "height": HEIGHT, "width": WIDTH, "scale": 4, "fill": FILL, "entries": entries}
path = Path(__file__).resolve().parent.parent / "src" / "augment" / "golden.json"
path.write_text(json.dumps(golden, indent=2) + "\n")
