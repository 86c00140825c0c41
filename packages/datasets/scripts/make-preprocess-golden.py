"""Golden pixels of resizing, of the evaluation transforms of timm and transformers, and of decoding, from Pillow.

    pip install pillow
    python packages/datasets/scripts/make-preprocess-golden.py
    npx biome format --write packages/datasets/src/preprocess/golden.json

writes src/preprocess/golden.json. Source images are made by the formula of `pixel`, which src/preprocess/golden.test.ts repeats; small results are
stored whole in base64, large ones as their SHA-256 with every 211th value. Sizes and offsets of the evaluation transforms follow
timm 1.0.29 (data/transforms_factory.py, data/transforms.py) with torchvision 0.24 (Resize of one number, CenterCrop), and transformers 5.18
(image_processing_backends.py).
"""

import base64
import hashlib
import io
import json
import math
import struct
import zlib
from pathlib import Path

import PIL
from PIL import Image, ImageOps

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


def resized(height, width, channels, to_height, to_width, interpolation="bicubic"):
    image = source(height, width, channels).resize((to_width, to_height), Image.Resampling[interpolation.upper()])
    return {"from": [height, width, channels], "to": [to_height, to_width], "interpolation": interpolation, **stored(image)}


def shortest_edge(image, short):
    """Height and width, as torchvision's Resize and transformers have it."""
    if image.width <= image.height:
        return int(short * image.height / image.width), short
    return short, int(short * image.width / image.height)


def keeping_ratio(image, scaled, choose):
    """timm's ResizeKeepRatio."""
    ratio = choose(image.height / scaled[0], image.width / scaled[1])
    return round(image.height / ratio), round(image.width / ratio)


def middle(image, size, rounding, fill=0, halve=math.floor):
    """Pads, then cuts."""
    height, width = max(image.height, size[0]), max(image.width, size[1])
    if (height, width) != (image.height, image.width):
        padded = Image.new(image.mode, (width, height), fill)
        padded.paste(image, (halve((width - image.width) / 2), halve((height - image.height) / 2)))
        image = padded
    top, left = rounding((height - size[0]) / 2.0), rounding((width - size[1]) / 2.0)
    return image.crop((left, top, left + size[1], top + size[0]))


def evaluated(height, width, channels, size, interpolation="bicubic", **framing):
    image = source(height, width, channels)
    mean = [0.485, 0.456, 0.406][:channels]
    filter = Image.Resampling[interpolation.upper()]
    resize = lambda to: image.resize((to[1], to[0]), filter)
    if "crop" in framing:
        scaled = [math.floor(side / framing["cropPct"]) for side in size]
        fill = 0
        if framing["crop"] == "squash":
            image = resize(scaled)
        elif framing["crop"] == "border":
            image = resize(keeping_ratio(image, scaled, max))
            fill = tuple(round(255 * value) for value in mean) if channels == 3 else round(255 * mean[0])
        else:
            image = resize(shortest_edge(image, scaled[0]) if scaled[0] == scaled[1] else keeping_ratio(image, scaled, min))
        image = middle(image, size, lambda x: int(round(x)), fill)
    else:
        if "squash" in framing["resize"]:
            image = resize(framing["resize"]["squash"])
        elif framing["resize"] != "none":
            image = resize(shortest_edge(image, framing["resize"]["shortest"]))
        if framing["centerCrop"]:
            image = middle(image, size, int, halve=math.ceil)
    assert (image.height, image.width) == tuple(size)
    preprocessing = {"size": size, **framing, "interpolation": interpolation, "mean": mean, "std": [0.229, 0.224, 0.225][:channels]}
    return {"from": [height, width, channels], "preprocessing": preprocessing, **stored(image)}


def encoded(image, file_format, orientation=None, **options):
    if orientation:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def decoded(name, file, exif=False):
    image = Image.open(io.BytesIO(file))
    if exif:
        image = ImageOps.exif_transpose(image)
    image = image.convert("RGB")
    return {
        "name": name,
        "exifOrientation": exif,
        "size": [image.height, image.width],
        "file": base64.b64encode(file).decode(),
        "base64": base64.b64encode(image.tobytes()).decode(),
    }


def picture(mode):
    image = source(12, 17, 3).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(source(12, 17, 1))
    return image


def inks():
    """Four channels that have nothing to do with each other."""
    channels = [source(12, 17 + 3 * i, 1).crop((3 * i, 0, 3 * i + 17, 12)) for i in range(4)]
    return encoded(Image.merge("CMYK", channels), "JPEG", quality=95)


def adobe(file, transform):
    """The JPEG file with another transform in its Adobe marker (2: YCCK), or without the marker."""
    start = file.index(b"\xff\xee")
    end = start + 2 + int.from_bytes(file[start + 2 : start + 4], "big")
    return file[:start] + (b"" if transform is None else file[start : end - 1] + bytes([transform])) + file[end:]


def damaged(file):
    """Bytes between two segments that belong to none."""
    at = file.index(b"\xff\xc4")
    return file[:at] + b"\x12\x34\x56" + file[at:]


def png16(values, colour):
    """A PNG file of 16 bits per channel, [height, width x channels]."""
    raw = b"".join(b"\0" + b"".join(value.to_bytes(2, "big") for value in row) for row in values)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    header = struct.pack(">IIBBBBB", len(values[0]) // channels, len(values), 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def values16(width):
    return [[(x * 7919 + y * 104729) % 65536 for x in range(width)] for y in range(12)]


CENTER = {"crop": "center"}
BORDER = {"crop": "border", "cropPct": 1.0}

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
        *(
            resized(*sizes, interpolation)
            for interpolation in ("bilinear", "lanczos", "nearest")
            for sizes in ((47, 61, 3, 23, 19), (13, 9, 3, 25, 26), (100, 37, 3, 11, 52), (1, 300, 1, 2, 7), (333, 500, 3, 256, 384))
        ),
    ],
    "evaluate": [
        evaluated(500, 375, 3, [224, 224], **CENTER, cropPct=0.875),
        evaluated(333, 500, 3, [224, 224], **CENTER, cropPct=0.9),
        evaluated(120, 97, 3, [224, 224], "bilinear", **CENTER, cropPct=0.9),
        evaluated(50, 50, 3, [32, 32], **CENTER, cropPct=0.95),
        evaluated(61, 90, 1, [26, 26], **CENTER, cropPct=1.0),
        evaluated(90, 61, 3, [25, 25], "lanczos", **CENTER, cropPct=0.9),
        evaluated(37, 41, 3, [21, 21], "nearest", **CENTER, cropPct=0.875),
        evaluated(47, 80, 3, [32, 20], "bilinear", **CENTER, cropPct=0.9),
        evaluated(80, 37, 3, [24, 24], "bilinear", crop="squash", cropPct=1.0),
        evaluated(80, 37, 3, [21, 19], "bicubic", crop="squash", cropPct=0.8),
        evaluated(80, 37, 3, [24, 24], **BORDER),
        evaluated(31, 70, 3, [24, 20], "lanczos", **BORDER),
        evaluated(31, 36, 1, [23, 23], crop="border", cropPct=0.9),
        evaluated(50, 75, 3, [22, 22], resize={"shortest": 25}, centerCrop=True),
        evaluated(75, 50, 3, [24, 24], "bilinear", resize={"squash": [27, 27]}, centerCrop=True),
        evaluated(75, 50, 3, [24, 20], "bilinear", resize={"squash": [24, 20]}, centerCrop=False),
        evaluated(50, 75, 3, [25, 25], resize={"shortest": 18}, centerCrop=True),
        evaluated(41, 19, 3, [24, 24], resize="none", centerCrop=True),
        evaluated(9, 7, 3, [9, 7], resize="none", centerCrop=False),
    ],
    "decode": [
        decoded("a PNG file", encoded(picture("RGB"), "PNG")),
        decoded("a grey PNG file", encoded(picture("L"), "PNG")),
        decoded("a PNG file of black and white", encoded(picture("1"), "PNG")),
        decoded("a PNG file with a palette", encoded(picture("P"), "PNG")),
        decoded("a PNG file with a palette with transparency", encoded(picture("P"), "PNG", transparency=3)),
        decoded("a PNG file with transparency", encoded(picture("RGBA"), "PNG")),
        decoded("a grey PNG file with transparency", encoded(picture("LA"), "PNG")),
        decoded("a PNG file of 16 bits", png16(values16(51), 2)),
        decoded("a PNG file of 16 bits with transparency", png16(values16(68), 6)),
        decoded("an animated PNG file", encoded(picture("RGB"), "PNG", save_all=True, append_images=[ImageOps.invert(picture("RGB"))])),
        decoded("a JPEG file", encoded(picture("RGB"), "JPEG", quality=90)),
        decoded("a grey JPEG file", encoded(picture("L"), "JPEG", quality=90)),
        decoded("a damaged JPEG file", damaged(encoded(picture("RGB"), "JPEG", quality=90))),
        decoded("a CMYK JPEG file", inks()),
        decoded("a CMYK JPEG file without Adobe's marker", adobe(inks(), None)),
        decoded("a YCCK JPEG file", adobe(inks(), 2)),
        decoded("a lossless WebP file", encoded(picture("RGB"), "WEBP", lossless=True)),
        decoded(
            "an animated WebP file",
            encoded(picture("RGB"), "WEBP", lossless=True, save_all=True, append_images=[ImageOps.invert(picture("RGB"))]),
        ),
        decoded("a GIF file", encoded(picture("P"), "GIF")),
        decoded(
            "an animated GIF file", encoded(picture("P"), "GIF", save_all=True, append_images=[ImageOps.invert(picture("RGB"))])
        ),
        decoded("a TIFF file of two pages", encoded(picture("RGB"), "TIFF", save_all=True, append_images=[picture("RGB").rotate(180)])),
        *(
            decoded(
                f"a JPEG file of orientation {orientation}{', applied' if exif else ''}",
                encoded(picture("RGB"), "JPEG", orientation, quality=90),
                exif,
            )
            for orientation, exif in [(6, False), *((orientation, True) for orientation in range(1, 9))]
        ),
        *(
            decoded(f"a {name} file of orientation 8{', applied' if exif else ''}", encoded(picture("RGB"), name.upper(), 8, lossless=True), exif)
            for name in ("PNG", "WebP")
            for exif in (False, True)
        ),
    ],
    "grey16": {
        "file": base64.b64encode(png16(values16(17), 0)).decode(),
        "upper": base64.b64encode(bytes(value >> 8 for row in values16(17) for value in row)).decode(),
    },
}

path = Path(__file__).resolve().parent.parent / "src" / "preprocess" / "golden.json"
path.write_text(json.dumps(golden, indent=2) + "\n")
