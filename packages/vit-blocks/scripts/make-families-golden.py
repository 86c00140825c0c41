"""
Writes src/weights/testing/families.safetensors: small random models of many families as their libraries save them, and what the libraries compute from them.
Made with torch 2.13, timm 1.0.29, transformers 5.18, open_clip_torch 3.3: python make-families-golden.py

Tensors are MODEL|NAME; MODEL|in is the input [2, channels, height, width], MODEL|pooled what the classifiers read [2, width] or [2, 2, width], MODEL|logits the logits [2, classes].
Metadata: MODEL is JSON, { file, config, options }: the name and the content of the file beside the weights, and how to load them. Weights and inputs are numbers of
float16, outputs are computed in float64.
"""
import json
from pathlib import Path

import open_clip
import timm
import torch
import transformers as hf
from safetensors.torch import save_file

tensors, metadata = {}, {}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if b.is_floating_point()]:
            draw = torch.randn(value.shape, generator=generator) * 0.35
            scale = value.ndim == 1 and name.endswith("weight") or "gamma" in name or "lambda1" in name
            value.copy_((1 + draw if scale else draw).half().float())
    return model.double().eval()


def record(name, state, images, pooled, logits, config, file="config.json", **options):
    for key, value in {**state, "in": images, "pooled": pooled, **({} if logits is None else {"logits": logits})}.items():
        if value.is_floating_point():
            dtype = torch.float32 if key in ("pooled", "logits") else torch.float16
            tensors[f"{name}|{key}"] = value.detach().to(dtype).contiguous().clone()
    metadata[name] = json.dumps({"file": file, "config": config, "options": options})


def images(channels, height, width, seed):
    return torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(seed)).half().double()


small = dict(embed_dim=12, depth=2, num_heads=3)


def from_timm(name, architecture, size, seed, run=None, options={}, **args):
    model = randomise(timm.create_model(architecture, pretrained=False, **args), seed)
    x = images(model.patch_embed.proj.in_channels, *size, seed + 100)
    features = model.forward_features(x)
    distilled = hasattr(model, "dist_token")
    pooled = features[:, :2] if distilled else model.forward_head(features, pre_logits=True)
    logits = model(x) if model.num_classes > 0 else None
    config = {
        "architecture": architecture,
        "num_classes": model.num_classes,
        "num_features": model.num_features,
        "global_pool": model.global_pool,
        "model_args": args,
        "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "crop_pct": 0.9},
    }
    record(name, model.state_dict(), x, pooled, logits, config, **options)


square = dict(img_size=12, patch_size=4)
from_timm("deit", "deit_tiny_patch16_224", (12, 12), 1, num_classes=3, **square, **small)
from_timm("deit-distilled", "deit_tiny_distilled_patch16_224", (12, 12), 2, num_classes=3, **square, **small)
from_timm("deit3", "deit3_small_patch16_224", (12, 12), 3, num_classes=3, **square, **small)
from_timm("augreg", "vit_small_patch16_224", (8, 12), 4, num_classes=3, img_size=[8, 12], patch_size=[4, 2], in_chans=1, **small)
from_timm("dinov2-registers", "vit_small_patch14_reg4_dinov2", (12, 12), 5, num_classes=0, reg_tokens=2, **square, **small)
from_timm("registers-placed", "vit_small_patch14_reg4_dinov2", (12, 12), 6, num_classes=3, reg_tokens=2, no_embed_class=False, **square, **small)
from_timm("registers-average", "vit_medium_patch16_reg4_gap_256", (14, 15), 7, num_classes=3, img_size=[14, 15], patch_size=4, qkv_bias=False, **small)
from_timm("average", "vit_medium_patch16_gap_256", (12, 12), 8, num_classes=3, class_token=True, **square, **small)
from_timm("clip-timm", "vit_base_patch16_clip_quickgelu_224", (12, 12), 9, num_classes=5, **square, **small)
from_timm("siglip-timm", "vit_so400m_patch16_siglip_256", (12, 12), 10, num_classes=0, **square, **small)
from_timm("activation", "vit_tiny_patch16_224", (12, 12), 11, num_classes=3, act_layer="quick_gelu", mlp_ratio=3, **square, **small)
from_timm("no-biases", "vit_tiny_patch16_224", (12, 12), 12, num_classes=3, qkv_bias=False, proj_bias=False, **square, **small)
from_timm("heads-by-name", "test_vit", (12, 12), 14, num_classes=3, embed_dim=12, depth=2, **square)
# Another image size than the stored one, positions resampled with registers.
stored = dict(img_size=12, patch_size=4)
model = randomise(timm.create_model("vit_small_patch14_reg4_dinov2", num_classes=3, reg_tokens=2, dynamic_img_size=True, **stored, **small), 13)
x = images(3, 20, 16, 113)
config = {
    "architecture": "vit_small_patch14_reg4_dinov2",
    "num_classes": 3,
    "num_features": 12,
    "global_pool": "token",
    "model_args": dict(num_classes=3, reg_tokens=2, dynamic_img_size=True, **stored, **small),
    "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3},
}
pooled = model.forward_head(model.forward_features(x), pre_logits=True)
record("resampled", model.state_dict(), x, pooled, model(x), config, imageSize=[20, 16])

tower = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=24, image_size=12, patch_size=4)
text = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=10, max_position_embeddings=4)


def from_transformers(name, model, seed, pooled, logits=None, size=(12, 12), rename=None, running=False):
    randomise(model, seed)
    x = images(3, *size, seed + 100)
    state = model.state_dict()
    if not running:
        # As save_pretrained writes the names, which are older than those in memory.
        import tempfile
        from safetensors.torch import load_file

        folder = tempfile.mkdtemp()
        model.float().save_pretrained(folder)
        state = load_file(f"{folder}/model.safetensors")
        model.double()
    with torch.no_grad():
        out = pooled(model, x)
        record(name, state, x, out, logits and logits(model, x), json.loads(model.config.to_json_string(use_diff=False)))


cls = lambda part: lambda model, x: (getattr(model, part) if part else model)(x).last_hidden_state[:, 0]
logits = lambda model, x: model(pixel_values=x).logits
from_transformers("vit", hf.ViTForImageClassification(hf.ViTConfig(**tower, num_labels=3)), 20, cls("vit"), logits)
from_transformers(
    "vit-rectangle",
    hf.ViTForImageClassification(hf.ViTConfig(**{**tower, "image_size": [14, 9]}, num_labels=3, hidden_act="gelu_pytorch_tanh", qkv_bias=False)),
    21,
    cls("vit"),
    logits,
    size=(14, 9),
    running=True,
)
from_transformers("dino", hf.ViTModel(hf.ViTConfig(**tower)), 22, cls(""))
from_transformers(
    "deit-transformers", hf.DeiTForImageClassificationWithTeacher(hf.DeiTConfig(**tower, num_labels=3)),
    23,
    lambda model, x: model.deit(x).last_hidden_state[:, :2],
    logits,
    running=True,
)


def unmasked(model, x):
    return model.vit(x, noise=torch.arange(9).double().expand(2, 9)).last_hidden_state[:, 0]


mae = dict(decoder_hidden_size=8, decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=8)
from_transformers("mae", hf.ViTMAEForPreTraining(hf.ViTMAEConfig(**tower, **mae, mask_ratio=0.0)), 24, unmasked)

dino = {**tower, "mlp_ratio": 2}


def both(part, registers):
    def pooled(model, x):
        hidden = getattr(model, part)(x).last_hidden_state
        return torch.cat([hidden[:, 0], hidden[:, 1 + registers :].mean(1)], 1)

    return pooled


from_transformers("dinov2", hf.Dinov2Model(hf.Dinov2Config(**dino)), 25, cls(""))
from_transformers("dinov2-classifier", hf.Dinov2ForImageClassification(hf.Dinov2Config(**dino, num_labels=3)), 26, both("dinov2", 0), logits)
from_transformers(
    "dinov2-registers-classifier",
    hf.Dinov2WithRegistersForImageClassification(hf.Dinov2WithRegistersConfig(**dino, num_labels=3, num_register_tokens=2)),
    27,
    both("dinov2_with_registers", 2),
    logits,
    running=True,
)
pooler = lambda model, x: getattr(model, "vision_model", model)(x).pooler_output
from_transformers("clip", hf.CLIPModel(hf.CLIPConfig(vision_config=tower, text_config=text, projection_dim=8)), 28, pooler)
from_transformers("clip-vision", hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(**tower, hidden_act="gelu", projection_dim=8)), 29, pooler)
from_transformers("siglip", hf.SiglipModel(hf.SiglipConfig(vision_config=tower, text_config=text)), 30, pooler)
from_transformers("siglip-vision", hf.SiglipVisionModel(hf.SiglipVisionConfig(**tower)), 31, pooler)
from_transformers(
    "siglip-classifier",
    hf.SiglipForImageClassification(hf.SiglipConfig(vision_config=tower, text_config=text, num_labels=3)),
    32,
    lambda model, x: model.vision_model(x).last_hidden_state.mean(1),
    logits,
)

vision = dict(image_size=12, patch_size=4, width=12, layers=2, head_width=4, mlp_ratio=2.0, ls_init_value=0.5)
texts = dict(width=8, heads=2, layers=1, vocab_size=10, context_length=4)
model = randomise(open_clip.model.CLIP(8, open_clip.CLIPVisionCfg(**vision), open_clip.CLIPTextCfg(**texts), quick_gelu=True), 40)
x = images(3, 12, 12, 140)
state = dict(model.state_dict())
model.visual.proj = None
config = {
    "model_cfg": {"embed_dim": 8, "quick_gelu": True, "vision_cfg": vision, "text_cfg": texts},
    "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3},
}
record("openclip", state, x, model.visual(x), None, config, file="open_clip_config.json")

path = Path(__file__).parent / "../src/weights/testing/families.safetensors"
save_file(tensors, path, metadata=metadata)
print(len(metadata), "models,", path.stat().st_size, "bytes")
