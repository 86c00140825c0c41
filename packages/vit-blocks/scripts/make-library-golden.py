"""
Holds the loader against the libraries themselves: small random models as timm, transformers and OpenCLIP save them, read again by their library, and what it computes.
Made with torch 2.13, timm 1.0.29, transformers 5.18, open_clip_torch 3.3, safetensors 0.8, numpy 2.4, pillow 12.3:

  python make-library-golden.py                    writes src/weights/testing/library.jsonl and library.safetensors
  python make-library-golden.py --folders DIR      also leaves each model's folder there, for check-library-folders.mjs
  python make-library-golden.py --every-timm DIR   instead, folders of a small model of every architecture of timm's VisionTransformer

library.jsonl has a line for each model: { name, file, json, options, tensors, input }: the weights' file, the JSON files beside it, how to load them, the shapes of the stored tensors, and that
of the input, [2, channels, height, width]. Weights and inputs are not stored: `fill` computes them, here as in testing/library.ts, in multiples of 1/8192. library.safetensors has MODEL|pooled, what
the classifiers read [2, width] or [2, 2, width], and MODEL|logits [2, classes], computed in float64.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import timm
import torch
import transformers as hf
from safetensors import safe_open
from safetensors.torch import load_file, save_file

hf.utils.logging.disable_progress_bar()
lines, outputs = [], {}
parser = argparse.ArgumentParser()
parser.add_argument("--folders", type=Path)
parser.add_argument("--every-timm", type=Path)
arguments = parser.parse_args()


def fill(model, tensor, shape):
    """Values by the names alone: a hash of each place, in 4096 steps; weights of layer norms about 1, other vectors to 1/2, matrices to 1/4, inputs to 2."""
    seed = 2166136261
    for byte in f"{model}|{tensor}".encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = np.arange(np.prod(shape, dtype=int), dtype=np.uint64) * 0x9E3779B1 + seed & 0xFFFFFFFF
    x = (x ^ x >> 16) * 0x21F0AAAD & 0xFFFFFFFF
    x = (x ^ x >> 15) * 0x735A2D97 & 0xFFFFFFFF
    x ^= x >> 15
    v = (x >> 20).astype(np.float64) / 2048 - 1
    vector = len(shape) < 2
    scaled = 2 * v if tensor == "in" else 1 + v / 2 if vector and tensor.endswith("weight") else v / 2 if vector else v / 4
    return torch.from_numpy(scaled.astype(np.float32).reshape(shape))


def refill(name, file):
    """Other values in a file that a library wrote."""
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    tensors = {key: fill(name, key, value.shape) if value.is_floating_point() else value for key, value in load_file(file).items()}
    save_file(tensors, file, metadata=metadata)
    return {key: list(value.shape) for key, value in tensors.items() if value.is_floating_point()}


def record(name, folder, tensors, x, pooled, logits, file="model.safetensors", options={}):
    found = {"pooled": pooled, **({} if logits is None else {"logits": logits})}
    outputs.update({f"{name}|{key}": value.detach().float().contiguous() for key, value in found.items()})
    files = {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json")) if "generation" not in path.name}
    lines.append(dict(name=name, file=file, json=files, options=options, tensors=tensors, input=list(x.shape)))
    kept = arguments.every_timm or arguments.folders
    if kept:
        shutil.copytree(folder, kept / name, dirs_exist_ok=True)
        expected = {"in": x, **found}
        save_file({key: value.detach().float().contiguous() for key, value in expected.items()}, kept / name / "expected.safetensors")
        (kept / name / "options.json").write_text(json.dumps({"file": file, "options": options}))


def images(name, *shape):
    return fill(name, "in", (2, *shape)).double()


small = dict(embed_dim=32, depth=2, num_heads=4)
square = dict(img_size=32, patch_size=8)


def from_timm(name, architecture, size=None, seen=None, options={}, stated=None, **args):
    """`stated`: what config.json says of the arguments where that is not all; `seen`: the image size where it is not the stored one."""
    folder = Path(tempfile.mkdtemp())
    model = timm.create_model(architecture, pretrained=False, **args)
    timm.models.save_for_hf(model, folder, model_args=args if stated is None else stated, safe_serialization=True)
    tensors = refill(name, folder / "model.safetensors")
    if stated is None:
        model = timm.create_model(f"local-dir:{folder}", pretrained=True)
    else:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    model = model.double().eval()
    sides = model.patch_embed.img_size if seen is None else seen
    x = images(name, model.patch_embed.proj.in_channels, *sides)
    with torch.no_grad():
        features = model.forward_features(x)
        pooled = features[:, :2] if hasattr(model, "dist_token") else model.forward_head(features, pre_logits=True)
        record(name, folder, tensors, x, pooled, model(x) if model.num_classes > 0 else None, options=options)


def every_timm():
    """A model of each architecture, small but for its kind; and what its name alone stands for."""
    names = {}
    for module in ("vision_transformer", "deit"):
        for architecture in timm.list_models(module=module):
            with torch.device("meta"):
                full = timm.create_model(architecture, depth=1)
            block = full.blocks[0]
            norm = getattr(block, "norm1", None)
            names[architecture] = dict(
                width=full.embed_dim, heads=getattr(getattr(block, "attn", None), "num_heads", None), epsilon=getattr(norm, "eps", None), norm=type(norm).__name__,
                activation=repr(getattr(getattr(block, "mlp", None), "act", None)), pooling=full.global_pool, block=type(block).__name__,
                attention=type(getattr(block, "attn", None)).__name__, final_norm=type(full.norm).__name__, fc_norm=type(full.fc_norm).__name__,
            )
            patch = full.patch_embed.patch_size[0]
            ratio = full.embed_dim // names[architecture]["heads"] if names[architecture]["heads"] else 0
            try:
                from_timm(architecture, architecture, num_classes=3, img_size=3 * patch, **small)
            except Exception as error:
                print(architecture, type(error).__name__, error)
    (arguments.every_timm / "names.json").write_text(json.dumps(names))


if arguments.every_timm:
    arguments.every_timm.mkdir(parents=True, exist_ok=True)
    every_timm()
    raise SystemExit

from_timm("timm-vit", "vit_tiny_patch16_224.augreg_in21k_ft_in1k", num_classes=5, **square, **small)
from_timm("timm-deit", "deit_tiny_patch16_224.fb_in1k", num_classes=3, **square, embed_dim=48, depth=3, num_heads=3)
from_timm("timm-deit-distilled", "deit_tiny_distilled_patch16_224.fb_in1k", num_classes=3, **square, **small)
from_timm("timm-deit3", "deit3_small_patch16_224.fb_in1k", num_classes=3, **square, **small)
from_timm("timm-mae", "vit_base_patch16_224.mae", num_classes=0, **square, **small)
from_timm("timm-dino", "vit_small_patch16_224.dino", num_classes=0, **square, **small)
from_timm("timm-dinov2", "vit_small_patch14_dinov2.lvd142m", num_classes=0, **square, **small)
from_timm("timm-dinov2-reg4", "vit_small_patch14_reg4_dinov2.lvd142m", num_classes=3, **square, **small)
from_timm("timm-registers-placed", "vit_small_patch14_reg4_dinov2", num_classes=3, no_embed_class=False, **square, **small)
from_timm("timm-clip", "vit_base_patch16_clip_224.openai", num_classes=5, **square, **small)
from_timm("timm-clip-quickgelu", "vit_base_patch16_clip_quickgelu_224.openai", num_classes=0, **square, **small)
from_timm("timm-siglip", "vit_base_patch16_siglip_224.webli", num_classes=0, **square, **small)
from_timm("timm-siglip-tanh", "vit_so400m_patch16_siglip_256", num_classes=3, **square, **small)
from_timm("timm-siglip-gap", "vit_base_patch16_siglip_gap_224.webli", num_classes=3, **square, **small)
from_timm("timm-map", "vit_so150m_patch16_reg4_map_256", num_classes=3, **square, **small)
from_timm("timm-average", "vit_base_patch16_224", num_classes=3, global_pool="avg", **square, **small)
from_timm("timm-average-norm-first", "vit_base_patch16_224", num_classes=3, global_pool="avg", fc_norm=False, **square, **small)
from_timm("timm-norm-after-token", "vit_base_patch16_224", num_classes=3, fc_norm=True, **square, **small)
from_timm("timm-no-class-token", "vit_base_patch16_224", num_classes=3, global_pool="avg", class_token=False, **square, **small)
from_timm("timm-registers-average", "vit_medium_patch16_reg4_gap_256.sbb_in12k_ft_in1k", num_classes=3, **square, **small)
from_timm("timm-so150m2", "vit_so150m2_patch16_reg1_gap_256.sbb_e200_in12k_ft_in1k", num_classes=3, **square, **small)
from_timm("timm-no-biases", "vit_tiny_patch16_224", num_classes=3, qkv_bias=False, proj_bias=False, **square, **small)
from_timm("timm-init-values", "vit_tiny_patch16_224", num_classes=3, init_values=1e-5, act_layer="quick_gelu", mlp_ratio=2.7, **square, **small)
from_timm("timm-rectangle", "vit_tiny_patch16_224", num_classes=3, img_size=[24, 40], patch_size=[8, 4], in_chans=1, **small)
from_timm("timm-rest", "vit_tiny_patch16_224", num_classes=3, img_size=[30, 37], patch_size=8, **small)
from_timm("timm-flexivit", "flexivit_small.600ep_in1k", num_classes=3, **square, **small)
from_timm("timm-eva", "eva_large_patch14_196.in22k_ft_in22k_in1k", num_classes=3, **square, **small)
from_timm("timm-heads-by-name", "test_vit.r160_in1k", num_classes=3, img_size=32, depth=2, stated=dict(img_size=32, depth=2, num_classes=3))
from_timm("timm-resampled", "vit_small_patch14_reg4_dinov2", num_classes=3, dynamic_img_size=True, seen=(48, 40), options={"imageSize": [48, 40]}, **square, **small)
from_timm("timm-resampled-placed", "vit_tiny_patch16_224", num_classes=3, dynamic_img_size=True, seen=(24, 24), options={"imageSize": 24}, **square, **small)

tower = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80, image_size=32, patch_size=8)
text = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=10, max_position_embeddings=4)


def from_transformers(name, model, pooled, logits=None, size=(32, 32), processor=None, running=False, read={}, **keywords):
    """`running`: under the names that the model has in memory, which save_pretrained does not write."""
    folder = Path(tempfile.mkdtemp())
    model.save_pretrained(folder)
    if processor:
        processor.save_pretrained(folder)
    file = folder / "model.safetensors"
    if running:
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, file, metadata={"format": "pt"})
    tensors = refill(name, file)
    model, info = type(model).from_pretrained(folder, output_loading_info=True, **read)
    assert not any(info.values()), (name, info)
    model.double().eval()
    x = images(name, 3, *size)
    with torch.no_grad():
        record(name, folder, tensors, x, pooled(model, x), logits and logits(model, x), **keywords)


cls = lambda part, tokens=0: lambda model, x: (getattr(model, part) if part else model)(x).last_hidden_state[:, tokens]
logits = lambda model, x: model(pixel_values=x).logits
labelled = dict(id2label={0: "cat", 1: "dog", 2: "hen"}, label2id={"cat": 0, "dog": 1, "hen": 2})
vit = lambda: hf.ViTForImageClassification(hf.ViTConfig(**tower, **labelled))
from_transformers("vit", vit(), cls("vit"), logits, processor=hf.ViTImageProcessorPil(size={"height": 32, "width": 32}))
from_transformers("vit-running", vit(), cls("vit"), logits, running=True)
rectangle = {**tower, "image_size": [30, 41], "patch_size": [8, 5], "num_channels": 3, "hidden_act": "gelu_pytorch_tanh", "qkv_bias": False}
from_transformers("vit-rectangle", hf.ViTForImageClassification(hf.ViTConfig(**rectangle, num_labels=3)), cls("vit"), logits, size=(30, 41))
from_transformers("vit-bare", hf.ViTModel(hf.ViTConfig(**tower)), cls(""))
from_transformers("vit-bare-running", hf.ViTModel(hf.ViTConfig(**tower), add_pooling_layer=False), cls(""), running=True, read={"add_pooling_layer": False})
deit = lambda kind: getattr(hf, f"DeiT{kind}")(hf.DeiTConfig(**tower, num_labels=3))
halves = hf.DeiTImageProcessorPil(size={"height": 36, "width": 36}, crop_size={"height": 32, "width": 32})
from_transformers("deit", deit("ForImageClassification"), cls("deit"), logits, processor=halves)
both = cls("deit", slice(0, 2))
from_transformers("deit-teacher", deit("ForImageClassificationWithTeacher"), both, logits)
from_transformers("deit-teacher-running", deit("ForImageClassificationWithTeacher"), both, logits, running=True)
from_transformers("deit-bare", deit("Model"), cls(""))


def unmasked(part):
    return lambda model, x: (getattr(model, part) if part else model)(x, noise=torch.arange(16).double().expand(2, 16)).last_hidden_state[:, 0]


mae = hf.ViTMAEConfig(**tower, decoder_hidden_size=8, decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=8, mask_ratio=0.0)
from_transformers("mae", hf.ViTMAEForPreTraining(mae), unmasked("vit"))
from_transformers("mae-bare", hf.ViTMAEModel(mae), unmasked(""))
from_transformers("mae-running", hf.ViTMAEForPreTraining(mae), unmasked("vit"), running=True)
msn = hf.ViTMSNConfig(**tower, num_labels=3)
from_transformers("msn", hf.ViTMSNForImageClassification(msn), cls("vit"), logits)
from_transformers("msn-running", hf.ViTMSNForImageClassification(msn), cls("vit"), logits, running=True)

dino = {**{key: value for key, value in tower.items() if key != "intermediate_size"}, "mlp_ratio": 2}


def beside(part, registers=0):
    def pooled(model, x):
        hidden = getattr(model, part)(x).last_hidden_state
        return torch.cat([hidden[:, 0], hidden[:, 1 + registers :].mean(1)], 1)

    return pooled


dinov2 = lambda: hf.Dinov2ForImageClassification(hf.Dinov2Config(**dino, num_labels=3))
registers = lambda: hf.Dinov2WithRegistersForImageClassification(hf.Dinov2WithRegistersConfig(**dino, num_labels=3, num_register_tokens=4))
square_crop = hf.BitImageProcessorPil(size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
from_transformers("dinov2", hf.Dinov2Model(hf.Dinov2Config(**dino)), cls(""), processor=square_crop)
from_transformers("dinov2-running", hf.Dinov2Model(hf.Dinov2Config(**dino)), cls(""), running=True)
from_transformers("dinov2-classifier", dinov2(), beside("dinov2"), logits)
from_transformers("dinov2-registers", hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(**dino)), cls(""))
from_transformers("dinov2-registers-classifier", registers(), beside("dinov2_with_registers", 4), logits)
from_transformers("dinov2-registers-running", registers(), beside("dinov2_with_registers", 4), logits, running=True)

pooler = lambda model, x: getattr(model, "vision_model", model)(x).pooler_output
clip = lambda: hf.CLIPModel(hf.CLIPConfig(vision_config=tower, text_config=text, projection_dim=8))
from_transformers("clip", clip(), pooler, processor=hf.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}))
from_transformers("clip-running", clip(), pooler, running=True)
from_transformers("clip-vision", hf.CLIPVisionModel(hf.CLIPVisionConfig(**tower)), pooler)
from_transformers("clip-vision-running", hf.CLIPVisionModel(hf.CLIPVisionConfig(**tower)), pooler, running=True)
from_transformers("clip-projection", hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(**tower, hidden_act="gelu", projection_dim=8)), pooler)
siglip = lambda: hf.SiglipConfig(vision_config=tower, text_config=text, num_labels=3)
from_transformers("siglip", hf.SiglipModel(siglip()), pooler, processor=hf.SiglipImageProcessorPil(size={"height": 32, "width": 32}))
from_transformers("siglip-running", hf.SiglipModel(siglip()), pooler, running=True)
from_transformers("siglip-vision", hf.SiglipVisionModel(hf.SiglipVisionConfig(**tower)), pooler)
from_transformers("siglip-without-head", hf.SiglipVisionModel(hf.SiglipVisionConfig(**tower, vision_use_head=False)), lambda model, x: model(x).last_hidden_state.mean(1))
average = lambda model, x: model.vision_model(x).last_hidden_state.mean(1)
from_transformers("siglip-classifier", hf.SiglipForImageClassification(siglip()), average, logits)
from_transformers("siglip-classifier-running", hf.SiglipForImageClassification(siglip()), average, logits, running=True)


def from_open_clip(name, quick_gelu):
    import open_clip

    vision = dict(image_size=32, patch_size=8, width=32, layers=2, head_width=8, mlp_ratio=2.0, ls_init_value=0.5)
    texts = dict(width=8, heads=2, layers=1, vocab_size=10, context_length=4)
    model = open_clip.model.CLIP(8, open_clip.CLIPVisionCfg(**vision), open_clip.CLIPTextCfg(**texts), quick_gelu=quick_gelu)
    folder = Path(tempfile.mkdtemp())
    file = folder / "open_clip_model.safetensors"
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, file, metadata={"format": "pt"})
    tensors = refill(name, file)
    preprocessing = dict(mean=[0.48, 0.45, 0.4], std=[0.26, 0.26, 0.27], interpolation="bicubic", resize_mode="shortest")
    cfg = {"embed_dim": 8, **({"quick_gelu": True} if quick_gelu else {}), "vision_cfg": vision, "text_cfg": texts}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": preprocessing}))
    model.load_state_dict(load_file(file))
    model.double().eval()
    model.visual.proj = None
    x = images(name, 3, 32, 32)
    record(name, folder, tensors, x, model.visual(x), None, file=file.name)


from_open_clip("openclip", False)
from_open_clip("openclip-quickgelu", True)

target = Path(__file__).parent / "../src/weights/testing"
(target / "library.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
save_file(outputs, target / "library.safetensors")
print(len(lines), "models,", *(f"{file.stat().st_size} bytes of {file.name}" for file in (target / "library.jsonl", target / "library.safetensors")))
