"""
Changes one statement of a model's config.json at a time and asks the model's own library what comes of it: `same` outputs, other `outputs`, or an `error`.
Writes lines of JSON: [model, path of the key, value or nothing where the key was removed, what came]. Models, weights and inputs are those of families.safetensors.
Made with torch 2.13, timm 1.0.29, transformers 5.18: python make-config-mutations.py COUNT FILE
"""
import copy
import json
import logging
import random
import sys
import tempfile
import warnings
from pathlib import Path

import timm
import torch
import transformers as hf
from safetensors import safe_open
from safetensors.torch import save_file

count, out = int(sys.argv[1]), sys.argv[2]
warnings.simplefilter("ignore")
logging.disable(logging.ERROR)
hf.logging.set_verbosity_error()
torch.set_num_threads(1)

file = safe_open(Path(__file__).parent / "../src/weights/testing/families.safetensors", "pt")
metadata = file.metadata()
models = {}
for key in file.keys():
    model, name = key.split("|")
    models.setdefault(model, {})[name] = file.get_tensor(key).float()
skip = ("openclip", "resampled", "vit-rectangle", "deit-transformers", "dinov2-registers-classifier", "mae")
names = sorted(name for name in models if name not in skip)

junk = [None, True, False, 0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 36, -1, 0.5, 1e-5, 1e-6, 1e-12, 1.5, "", "3", "gelu", "gelu_new", "gelu_fast", "quick_gelu"]
junk += ["gelu_pytorch_tanh", "gelu_tanh", "relu", "silu", "token", "avg", "map", "max", "avgmax", "learn", "none", "layernorm", "rmsnorm", [], [12, 12], [4, 4]]
junk += [[8, 12], [14, 9], [12], {}, {"height": 12, "width": 12}]
# Keys that may be added: arguments and settings of these and of other models.
more = {
    "transformers": """hidden_act layer_norm_eps num_attention_heads qkv_bias use_swiglu_ffn mlp_ratio num_register_tokens pooler_act layerscale_value apply_layernorm
    vision_use_head attention_dropout hidden_dropout_prob rope_theta use_mask_token drop_path_rate chunk_size_feed_forward is_decoder add_cross_attention
    interpolate_pos_encoding use_relative_position_bias output_hidden_states no_such_key intermediate_size image_size num_channels patch_size""".split(),
    "timm": """num_heads act_layer norm_layer qk_norm init_values class_token no_embed_class reg_tokens pre_norm final_norm fc_norm pool_include_prefix global_pool
    pos_embed dynamic_img_size dynamic_img_pad drop_rate drop_path_rate qkv_bias proj_bias mlp_ratio scale_attn_norm scale_mlp_norm img_size patch_size embed_dim
    depth in_chans num_classes weight_init no_such_argument embed_norm_layer""".split(),
}
untouched = {"model_type", "architectures", "id2label", "label2id", "text_config", "transformers_version", "dtype", "pretrained_cfg"}
architectures = """vit_base_patch16_rpn_224 vit_base_patch16_clip_quickgelu_224 vit_base_patch16_clip_224 vit_so400m_patch16_siglip_256 vit_tiny_patch16_224 test_vit
    vit_small_patch14_reg4_dinov2 vit_base_patch16_gap_224 deit3_small_patch16_224 vit_huge_patch14_224 beit_base_patch16_224 vit_medium_patch16_gap_256""".split()


def mutate(config, draw):
    """A path and a value; the value is missing where the key goes."""
    changed = copy.deepcopy(config)
    inside = "model_args" if "architecture" in config else "vision_config" if "vision_config" in config else None
    path, target = ([inside], changed[inside]) if inside and draw.random() < 0.8 else ([], changed)
    keys = [key for key in target if key not in untouched and not isinstance(target[key], dict)]
    if draw.random() < 0.25 or not keys:
        key = draw.choice(more["timm" if "architecture" in config else "transformers"])
    else:
        key = draw.choice(keys)
    if key in target and draw.random() < 0.15:
        del target[key]
        return changed, [path + [key]]
    value = draw.choice(junk)
    old = target.get(key)
    if isinstance(old, (int, float)) and not isinstance(old, bool) and draw.random() < 0.7:
        value = draw.choice([old + 1, old - 1, old * 2, old / 2, -old, float(old), str(old), [old, old]])
    if isinstance(old, str) and draw.random() < 0.7:
        value = draw.choice(["gelu", "gelu_new", "quick_gelu", "gelu_pytorch_tanh", "gelu_tanh", "relu", "token", "avg", "map"])
    if key == "architecture":
        value = draw.choice(architectures)
    target[key] = value
    return changed, [path + [key], value]


def outputs(model, config, tensors, x):
    """Logits, or what a classifier would read."""
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
        Path(f"{folder}/config.json").write_text(json.dumps(config))
        if "architecture" in config:
            network = timm.create_model(f"local-dir:{folder}", pretrained=True)
            result = network.eval()(x)
        else:
            name = config["architectures"][0]
            network, info = getattr(hf, name).from_pretrained(folder, output_loading_info=True)
            if info["missing_keys"] or info["unexpected_keys"]:
                raise ValueError("tensors")
            vision = getattr(network, "vision_model", network)
            result = network.eval()(pixel_values=x).logits if "logits" in models[model] else vision.eval()(x)
            if not torch.is_tensor(result):
                pooled = getattr(result, "pooler_output", None)
                result = pooled if config["model_type"] in ("clip", "clip_vision_model", "siglip", "siglip_vision_model") else result.last_hidden_state[:, 0]
        if not torch.isfinite(result).all() or result.ndim != 2:
            raise ValueError("outputs")
        return result


draw = random.Random(0)
verdicts = {}
known = {}  # the same change is drawn more than once
with open(out, "w") as lines, torch.no_grad():
    truth = {}
    for step in range(count):
        model = draw.choice(names)
        config = json.loads(metadata[model])["config"]
        stored = models[model]
        tensors = {key: value for key, value in stored.items() if key not in ("in", "pooled", "logits")}
        if model not in truth:
            truth[model] = outputs(model, config, tensors, stored["in"])
        changed, what = mutate(config, draw)
        key = json.dumps([model, *what])
        if key not in known:
            try:
                result = outputs(model, changed, tensors, stored["in"])
                close = result.shape == truth[model].shape and (result - truth[model]).norm() <= 1e-5 * truth[model].norm()
                known[key] = "same" if close else [float(f"{value:.6g}") for value in result.flatten().tolist()]
            except Exception:
                known[key] = "error"
        verdict = known[key]
        kind = verdict if isinstance(verdict, str) else "other"
        verdicts[kind] = verdicts.get(kind, 0) + 1
        lines.write(json.dumps([model, *what, verdict] if len(what) == 2 else [model, what[0], None, verdict, "removed"]) + "\n")
print(verdicts, len(known), "different")
