"""Golden pixels of resizing, of timm's evaluation transform and of decoding, from Pillow.

    pip install pillow
    python packages/datasets/scripts/make-preprocess-golden.py
    npx biome format --write packages/datasets/src/preprocess/golden.json

writes src/preprocess/golden.json. Source images are made by the formula of `pixel`, which src/preprocess/golden.test.ts repeats; small results are
stored whole in base64, large ones as their SHA-256 with every 211th value. Sizes and offsets of the evaluation transform follow
torchvision 0.24 (Resize of one number, CenterCrop), which timm 1.0.29 uses for square crops.
"""

import base64
import hashlib
import io
import json
import math
from pathlib import Path

import PIL
from PIL import Image

STRIDE = 211
WHOLE = 2048


def pixel(y, x, c):
    """Flat areas, slopes, hard edges and noise."""
    kind = (x // 16 + y // 16 + c) % 4
    if kind == 0:
        return (x * 5 + y * 3 + c * 40) % 256
    if kind == 1:
        return 255 if (x // 3 + y // 2) % 2 else 0
    if kind == 2:
        return ((x + 7) * (y + 11) * (c + 3) * 2654435) % 65521 % 256
    return 200 - c * 50


def source(height, width, channels):
    data = bytes(pixel(y, x, c) for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), data)


def stored(image):
    data = image.tobytes()
    if len(data) <= WHOLE:
        return {"base64": base64.b64encode(data).decode()}
    return {"sha256": hashlib.sha256(data).hexdigest(), "stride": STRIDE, "sample": base64.b64encode(data[::STRIDE]).decode()}


def resized(height, width, channels, to_height, to_width):
    image = source(height, width, channels).resize((to_width, to_height), Image.Resampling.BICUBIC)
    return {"from": [height, width, channels], "to": [to_height, to_width], **stored(image)}


def evaluated(height, width, channels, size, **option):
    short = option["resize"] if "resize" in option else math.floor(size / option["cropPct"])
    if width <= height:
        to_width, to_height = short, int(short * height / width)
    else:
        to_width, to_height = int(short * width / height), short
    image = source(height, width, channels).resize((to_width, to_height), Image.Resampling.BICUBIC)
    top, left = int(round((to_height - size) / 2.0)), int(round((to_width - size) / 2.0))
    image = image.crop((left, top, left + size, top + size))
    return {"from": [height, width, channels], "options": {"size": size, **option}, **stored(image)}


def decoded(name, mode, file_format, rotated=False, **options):
    image = source(12, 17, 3).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(source(12, 17, 1))
    if rotated:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    file = io.BytesIO()
    image.save(file, file_format, **options)
    pixels = Image.open(file).convert("RGB").tobytes()
    return {"name": name, "file": base64.b64encode(file.getvalue()).decode(), "base64": base64.b64encode(pixels).decode()}


golden = {
    "madeWith": f"Pillow {PIL.__version__}",
    "resize": [
        resized(64, 64, 3, 16, 16),
        resized(47, 61, 3, 23, 19),
        resized(13, 9, 3, 25, 26),
        resized(100, 37, 3, 11, 52),
        resized(28, 28, 1, 32, 32),
        resized(24, 20, 3, 24, 20),
        resized(33, 33, 1, 33, 8),
        resized(1, 300, 3, 2, 7),
        resized(200, 1, 1, 3, 5),
        resized(5, 4, 3, 1, 1),
        resized(333, 500, 3, 256, 384),
        resized(28, 28, 1, 224, 224),
    ],
    "evaluate": [
        evaluated(500, 375, 3, 224, resize=256),
        evaluated(333, 500, 3, 224, cropPct=0.9),
        evaluated(640, 427, 3, 224, cropPct=0.875),
        evaluated(120, 97, 3, 224, resize=248),
        evaluated(50, 50, 3, 32, cropPct=0.95),
        evaluated(61, 90, 1, 26, cropPct=1.0),
        evaluated(90, 61, 3, 25, resize=28),
        evaluated(37, 41, 3, 21, resize=24),
    ],
    "decode": [
        decoded("a PNG file", "RGB", "PNG"),
        decoded("a grey PNG file", "L", "PNG"),
        decoded("a PNG file with a palette", "P", "PNG"),
        decoded("a PNG file with transparency", "RGBA", "PNG"),
        decoded("a JPEG file", "RGB", "JPEG", quality=90),
        decoded("a grey JPEG file", "L", "JPEG", quality=90),
        decoded("a JPEG file that asks to be rotated", "RGB", "JPEG", rotated=True, quality=90),
        decoded("a lossless WebP file", "RGB", "WEBP", lossless=True),
    ],
}

path = Path(__file__).resolve().parent.parent / "src" / "preprocess" / "golden.json"
path.write_text(json.dumps(golden, indent=2) + "\n")
