"""Golden values of resampled position embeddings, from PyTorch on the CPU.

    pip install torch==2.13.0
    python packages/vit-blocks/scripts/make-positions-golden.py
    npx biome format --write packages/vit-blocks/src/weights/positions-golden.json

writes src/weights/positions-golden.json. The calls are those with which timm resamples absolute position embeddings: the leading tokens are cut
off, the rest is interpolated as an image in float32, bicubic and antialiased.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional as F

torch.manual_seed(0)


def case(width, before, after, leading):
    positions = torch.round(torch.randn(1, leading + before * before, width), decimals=2)
    tokens, patches = positions[:, :leading], positions[:, leading:]
    image = patches.reshape(1, before, before, width).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=(after, after), mode="bicubic", antialias=True)
    patches = image.permute(0, 2, 3, 1).reshape(1, after * after, width)
    expected = torch.cat([tokens, patches], dim=1)
    return {
        "width": width,
        "from": before,
        "to": after,
        "leading": leading,
        "positions": [round(x, 2) for x in positions.flatten().tolist()],
        "expected": [float(f"{x:.8g}") for x in expected.flatten().tolist()],
    }


cases = [case(2, 3, 5, 1), case(2, 4, 7, 2), case(2, 7, 4, 1), case(1, 9, 2, 2), case(3, 2, 1, 1), case(3, 1, 3, 1), case(1, 6, 8, 1)]
path = Path(__file__).parent.parent / "src/weights/positions-golden.json"
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}))
