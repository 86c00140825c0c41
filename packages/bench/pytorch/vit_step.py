"""Times steps of a Vision Transformer in PyTorch: inference, training, distillation, a stitched model. Eager; float32, or autocast to bfloat16.

    python3 vit_step.py --what train --model deit-tiny --batch 4 --threads 2

With --serve it takes questions as JSON lines on stdin and answers on stdout; the benchmark of @learngene/bench talks to it that way.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

MODELS = {
    name: {"imageSize": 224, "patchSize": 16, "channels": 3, "width": width, "depth": 12, "heads": width // 64, "classes": 1000}
    for name, width in {"deit-tiny": 192, "deit-small": 384, "deit-base": 768}.items()
}
MODELS["quickstart"] = {"imageSize": 28, "patchSize": 7, "channels": 1, "width": 96, "depth": 12, "heads": 3, "classes": 10}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # [B, H, N, Dh]
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))  # [B, N, D]


class Block(nn.Module):
    def __init__(self, width, heads, ratio, epsilon):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, int(ratio * width))
        self.fc2 = nn.Linear(int(ratio * width), width)

    def forward(self, x):
        attn = self.attn(self.norm1(x))
        x = x + attn
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)))), attn


class ViT(nn.Module):
    """A pre-norm encoder. With `parts`, segments of (width, heads, depth) that linear stitches join."""

    def __init__(self, model, parts=None):
        super().__init__()
        parts = parts or [model]
        ratio, epsilon = model.get("mlpRatio", 4), model.get("epsilon", 1e-6)
        first, last, patch = parts[0]["width"], parts[-1]["width"], model["patchSize"]
        self.patch_embed = nn.Conv2d(model["channels"], first, patch, stride=patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, first) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, (model["imageSize"] // patch) ** 2 + 1, first) * 0.02)
        self.segments = nn.ModuleList(
            nn.ModuleList(Block(part["width"], part["heads"], ratio, epsilon) for _ in range(part["depth"])) for part in parts
        )
        self.stitches = nn.ModuleList(nn.Linear(a["width"], b["width"]) for a, b in zip(parts, parts[1:]))
        self.norm = nn.LayerNorm(last, eps=epsilon)
        self.head = nn.Linear(last, model["classes"])

    def forward(self, images, features=None):
        x = self.patch_embed(images).flatten(2).transpose(1, 2)  # [B, n, D]
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed  # [B, N, D]
        for i, blocks in enumerate(self.segments):
            if i > 0:
                x = self.stitches[i - 1](x)
            for block in blocks:
                x, attn = block(x)
                if features is not None:
                    features.append((x, attn))
        return self.head(self.norm(x[:, 0]))


def adamw(parameters):
    """AdamW with timm's groups: biases, norms and other vectors do not decay."""
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.05},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-4)


def create_step(request, device):
    """Returns a function that runs one step and reads its result."""
    what, model, batch = request["what"], request["model"], request["batch"]
    images = torch.randn(batch, model["channels"], model["imageSize"], model["imageSize"], device=device)
    labels = (torch.arange(batch) % model["classes"]).to(device)
    precision = torch.autocast(device, torch.bfloat16, enabled=request.get("precision") == "mixed")

    def inference(network):
        network.to(device).eval()

        def step():
            with torch.no_grad(), precision:
                network(images).cpu()

        return step

    def training(parameters, loss):
        optimizer = adamw(parameters)

        def step():
            with precision:
                value = loss()
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            value.item()

        return step

    if what == "forward":
        return inference(ViT(model))
    if what == "stitch":
        return inference(ViT(model, [request["front"], request["back"]]))
    if what == "train":
        network = ViT(model).to(device)
        return training(network.parameters(), lambda: F.cross_entropy(network(images), labels))

    student_shape, positions = request["student"], request["positions"]
    ancestor, student = ViT(model).to(device).eval(), ViT(model, [student_shape]).to(device)
    same = student_shape["width"] == model["width"]
    maps = nn.ModuleList(
        nn.Identity() if same else nn.Linear(student_shape["width"], model["width"]) for _ in range(2 * len(positions))
    ).to(device)

    def loss():
        with torch.no_grad():
            targets = []
            target_logits = ancestor(images, targets)
        features = []
        logits = student(images, features)
        distilled = F.cross_entropy(logits, target_logits.softmax(-1))
        for i, position in enumerate(positions):
            for kind in (0, 1):
                mapped = maps[2 * i + kind](features[position["student"]][kind])
                distilled = distilled + F.mse_loss(mapped, targets[position["ancestor"]][kind])
        return 0.1 * F.cross_entropy(logits, labels) + 0.9 * distilled

    return training([*student.parameters(), *maps.parameters()], loss)


def prepare(request):
    """Returns the step and what it runs on."""
    device = "cuda" if request.get("device") == "auto" and torch.cuda.is_available() else "cpu"
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    threads = f"{request['threads']} thread{'s' if request['threads'] > 1 else ''}"
    where = torch.cuda.get_device_name() if device == "cuda" else f"cpu, {threads}"
    precision = ", autocast to bfloat16" if request.get("precision") == "mixed" else ""
    return create_step(request, device), f"{where}, torch {torch.__version__}{precision}"


def take_turn(step, steps, lead_in):
    for _ in range(lead_in):
        step()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    times = []
    before = time.perf_counter()
    for _ in range(steps):
        step()
        now = time.perf_counter()
        times.append(1000 * (now - before))
        before = now
    return times


def peak_memory():
    if torch.cuda.is_initialized():
        return {"bytes": torch.cuda.max_memory_allocated(), "of": "gpu"}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "of": "process"}


def serve():
    step = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["kind"] == "start":
                step, device = prepare(request)
                answer = {"kind": "ready", "device": device}
            else:
                times = take_turn(step, request["steps"], request["leadIn"])
                answer = {"kind": "turn", "turn": {"ms": times, "memory": peak_memory(), "commands": None}}
        except Exception as error:  # the parent shows it and goes on without us
            answer = {"kind": "error", "message": " ".join(str(error).split())}
        print(json.dumps(answer), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Times steps of a Vision Transformer in PyTorch.")
    parser.add_argument("--serve", action="store_true", help="take questions as JSON lines")
    parser.add_argument("--what", choices=["forward", "train"], default="train")
    parser.add_argument("--model", choices=list(MODELS), default="deit-tiny")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=["auto", "cpu"], default="cpu")
    parser.add_argument("--precision", choices=["float32", "mixed"], default="float32")
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    step, device = prepare({**vars(arguments), "model": MODELS[arguments.model]})
    times = take_turn(step, arguments.steps, 3)
    result = {
        "what": arguments.what,
        "model": arguments.model,
        "batch": arguments.batch,
        "device": device,
        "msMedian": statistics.median(times),
        "imagesPerSecond": 1000 * arguments.batch / statistics.median(times),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
