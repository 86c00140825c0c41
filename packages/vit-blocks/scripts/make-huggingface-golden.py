"""Tiny checkpoints as transformers writes them, and the logits it computes with them.

    pip install torch==2.13.0 transformers==5.18.0
    python packages/vit-blocks/scripts/make-huggingface-golden.py
    npx biome format --write packages/vit-blocks/src/weights/testing/golden

writes src/weights/testing/golden/: `vit` is a ViTForImageClassification, `deit` a DeiTForImageClassification (distillation token, one head),
`deit-distilled` a DeiTForImageClassificationWithTeacher in two shards. Weights are random everywhere, so that no exchange of tensors passes unseen.
`outputs.json` holds one batch of images (channels first) and every model's logits.
"""

import json
from pathlib import Path

import torch
from transformers import (
    DeiTConfig,
    DeiTForImageClassification,
    DeiTForImageClassificationWithTeacher,
    ViTConfig,
    ViTForImageClassification,
)

SIZES = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=12, patch_size=4, num_channels=2)
LABELS = {"id2label": {0: "ant", 1: "bee", 2: "cat"}, "label2id": {"ant": 0, "bee": 1, "cat": 2}}
FOLDER = Path(__file__).parent.parent / "src/weights/testing/golden"

torch.manual_seed(0)
images = torch.round(torch.randn(2, 2, 12, 12), decimals=2)
outputs = {"images": [round(x, 2) for x in images.flatten().tolist()], "logits": {}}
models = {
    "vit": (ViTForImageClassification, ViTConfig, {}),
    "deit": (DeiTForImageClassification, DeiTConfig, {}),
    "deit-distilled": (DeiTForImageClassificationWithTeacher, DeiTConfig, {"max_shard_size": "3KB"}),
}
for name, (model_class, config_class, options) in models.items():
    model = model_class(config_class(**SIZES, **LABELS)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn_like(parameter))
        logits = model(images).logits
    outputs["logits"][name] = [float(f"{x:.8g}") for x in logits.flatten().tolist()]
    model.save_pretrained(FOLDER / name, **options)
(FOLDER / "outputs.json").write_text(json.dumps(outputs))
