"""A training step of a Vision Transformer (forward, backward, AdamW) as one graph of TensorFlow, timed or written as a SavedModel.

    python3 graph_step.py --model deit-tiny --batch 8 [--xla] [--formulation own|autodiff] [--steps 10]
    python3 graph_step.py --export FOLDER [--xla]

Shapes are fixed. Parameters and moments are variables of the graph; it is given images, targets and AdamW's three numbers, and gives the loss. `own` has the
formulas of packages/ops/src/tensorflow, gradients included; `autodiff` leaves the gradients to TensorFlow. With --serve it takes questions as JSON lines, as
packages/bench/pytorch/vit_step.py does; benchmarks/tensorflow-graph.mjs talks to it that way.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

RATE, DECAY, BETA1, BETA2, EPSILON = 1e-4, 0.05, 0.9, 0.999, 1e-8

MODELS = {
    name: {"imageSize": 224, "patchSize": 16, "channels": 3, "width": width, "depth": 12, "heads": width // 64, "classes": 1000}
    for name, width in {"deit-tiny": 192, "deit-small": 384, "deit-base": 768}.items()
}
MODELS["quickstart"] = {"imageSize": 28, "patchSize": 7, "channels": 1, "width": 96, "depth": 12, "heads": 3, "classes": 10}


def gelu(x):
    return 0.5 * x * (tf.math.erf(x * math.sqrt(0.5)) + 1)


def gelu_gradient(x, half_dy):
    t = x * math.sqrt(0.5)
    density = tf.exp(math.log(2 / math.sqrt(math.pi)) - tf.square(t))
    return half_dy * (tf.math.erf(t) + 1 + density * t)


def column_sums(x):
    return tf.raw_ops.BiasAddGrad(out_backprop=x)


class Autodiff:
    """The formulas, left to TensorFlow's own gradients."""

    def linear(self, x, weight, bias, activation=False):
        y = tf.nn.bias_add(tf.matmul(x, weight, transpose_b=True), bias)
        return gelu(y) if activation else y

    def layer_norm(self, x, gamma, beta, epsilon):
        centred = x - tf.reduce_mean(x, -1, keepdims=True)
        return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + epsilon) * gamma + beta

    def attention(self, qkv, heads):
        q, k, v = split_heads(qkv, heads)
        p = tf.nn.softmax(tf.matmul(q / math.sqrt(q.shape[-1]), k, transpose_b=True))  # [B, H, N, N]
        return join_heads(tf.matmul(p, v))


class Own(Autodiff):
    """The same with the gradients of packages/ops/src/tensorflow."""

    def linear(self, x, weight, bias, activation=False):
        @tf.custom_gradient
        def run(x, weight, bias):
            affine = tf.nn.bias_add(tf.matmul(x, weight, transpose_b=True), bias)

            def gradient(dy):
                if activation:
                    dy = gelu_gradient(affine, 0.5 * dy)
                return tf.matmul(dy, weight), tf.matmul(dy, x, transpose_a=True), column_sums(dy)

            return gelu(affine) if activation else affine, gradient

        return run(x, weight, bias)

    def layer_norm(self, x, gamma, beta, epsilon):
        @tf.custom_gradient
        def run(x, gamma, beta):
            centred = x - tf.reduce_mean(x, -1, keepdims=True)
            inverse = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + epsilon)
            normalised = centred * inverse

            def gradient(dy):
                scaled = dy * normalised
                column = tf.reshape(gamma / x.shape[-1], [-1, 1])
                means, slopes = tf.matmul(dy, column), tf.matmul(scaled, column)
                return inverse * (dy * gamma - means - normalised * slopes), column_sums(scaled), column_sums(dy)

            return normalised * gamma + beta, gradient

        return run(x, gamma, beta)

    def attention(self, qkv, heads):
        @tf.custom_gradient
        def run(qkv):
            q, k, v = split_heads(qkv, heads)
            scale = 1 / math.sqrt(q.shape[-1])
            scaled = q * scale
            p = tf.nn.softmax(tf.matmul(scaled, k, transpose_b=True))  # [B, H, N, N]

            def gradient(dy):
                batch, tokens, width = dy.shape
                d_output = tf.transpose(tf.reshape(dy, [batch, tokens, heads, width // heads]), [0, 2, 1, 3])
                d_p = tf.matmul(d_output, v, transpose_b=True)
                d_scores = p * (d_p - tf.reduce_sum(d_p * p, -1, keepdims=True))
                dq = tf.matmul(d_scores, k) * scale
                dk = tf.matmul(d_scores, scaled, transpose_a=True)
                dv = tf.matmul(p, d_output, transpose_a=True)
                return tf.reshape(tf.transpose(tf.stack([dq, dk, dv]), [1, 3, 0, 2, 4]), [batch, tokens, 3 * width])

            return join_heads(tf.matmul(p, v)), gradient

        return run(qkv)


FORMULATIONS = {"own": Own, "autodiff": Autodiff}


def split_heads(qkv, heads):
    """[B, N, 3D] -> three of [B, H, N, Dh]"""
    batch, tokens, width = qkv.shape
    return tf.unstack(tf.transpose(tf.reshape(qkv, [batch, tokens, 3, heads, width // (3 * heads)]), [2, 0, 3, 1, 4]))


def join_heads(x):
    """[B, H, N, Dh] -> [B, N, D]"""
    batch, heads, tokens, size = x.shape
    return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * size])


class Training(tf.Module):
    """A model with its moments. `step` [B, S, S, c], [B, C], AdamW's [3] (`numbers_of`) -> loss."""

    def __init__(self, model, batch, formulation="own", xla=False):
        super().__init__()
        self.model, self.form, self.rng = model, FORMULATIONS[formulation](), np.random.default_rng(0)
        self.side, self.patch = model["imageSize"] // model["patchSize"], model["patchSize"]
        self.epsilon, width, ratio = model.get("epsilon", 1e-6), model["width"], model.get("mlpRatio", 4)
        self.names, self.parameters, self.m, self.v = {}, [], [], []
        self.affine("patch", self.patch**2 * model["channels"], width)
        self.parameter("cls", (1, 1, width))
        self.parameter("pos", (1, self.side**2 + 1, width))
        for i in range(model["depth"]):
            self.norm(f"{i}.norm1", width)
            self.affine(f"{i}.qkv", width, 3 * width)
            self.affine(f"{i}.proj", width, width)
            self.norm(f"{i}.norm2", width)
            self.affine(f"{i}.fc1", width, int(ratio * width))
            self.affine(f"{i}.fc2", int(ratio * width), width)
        self.norm("norm", width)
        self.affine("head", width, model["classes"])
        shapes = [[batch, model["imageSize"], model["imageSize"], model["channels"]], [batch, model["classes"]], [3]]
        names = ["images", "targets", "numbers"]
        signature = [tf.TensorSpec(shape, tf.float32, name) for shape, name in zip(shapes, names)]
        compiled = tf.function(self.compute, input_signature=signature, jit_compile=xla or None)
        # The outer function names the output and is what a SavedModel's signature calls.
        self.step = tf.function(lambda images, targets, numbers: {"loss": compiled(images, targets, numbers)}, input_signature=signature)

    def parameter(self, name, shape, values=None):
        values = self.rng.normal(0, 0.02, shape) if values is None else values
        self.names[name] = len(self.parameters)
        for kind, initial in (("parameters", values), ("m", np.zeros(shape)), ("v", np.zeros(shape))):
            getattr(self, kind).append(tf.Variable(initial.astype(np.float32), name=f"{kind}_{name}"))

    def affine(self, name, inputs, outputs):
        self.parameter(f"{name}.weight", (outputs, inputs))
        self.parameter(f"{name}.bias", (outputs,))

    def norm(self, name, width):
        self.parameter(f"{name}.gamma", (width,), np.ones(width))
        self.parameter(f"{name}.beta", (width,), np.zeros(width))

    def loss(self, values, images, targets):
        model, form, side, patch = self.model, self.form, self.side, self.patch
        batch, width, tokens = images.shape[0], model["width"], self.side**2 + 1
        at = lambda name: values[self.names[name]]
        linear = lambda x, name, activation=False: form.linear(x, at(f"{name}.weight"), at(f"{name}.bias"), activation)
        norm = lambda x, name: form.layer_norm(x, at(f"{name}.gamma"), at(f"{name}.beta"), self.epsilon)
        strips = tf.transpose(tf.reshape(images, [batch, side, patch, side, -1]), [0, 1, 3, 2, 4])
        embedded = linear(tf.reshape(strips, [batch * side * side, -1]), "patch")  # [B n, D]
        first = tf.broadcast_to(at("cls"), [batch, 1, width])
        x = tf.concat([first, tf.reshape(embedded, [batch, side * side, width])], 1) + at("pos")  # [B, N, D]
        x = tf.reshape(x, [batch * tokens, width])
        for i in range(model["depth"]):
            qkv = tf.reshape(linear(norm(x, f"{i}.norm1"), f"{i}.qkv"), [batch, tokens, 3 * width])
            x += linear(tf.reshape(form.attention(qkv, model["heads"]), [batch * tokens, width]), f"{i}.proj")
            x += linear(linear(norm(x, f"{i}.norm2"), f"{i}.fc1", True), f"{i}.fc2")
        logits = linear(norm(tf.reshape(x, [batch, tokens, width])[:, 0], "norm"), "head")
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))

    def compute(self, images, targets, numbers):
        values = [tf.convert_to_tensor(parameter) for parameter in self.parameters]
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = self.loss(values, images, targets)
        rate, shrink, epsilon = tf.unstack(numbers)
        for parameter, gradient, m, v in zip(self.parameters, tape.gradient(loss, values), self.m, self.v):
            if parameter.shape.rank == 2:
                parameter.assign(parameter * shrink)
            slots = {"var": parameter.handle, "m": m.handle, "v": v.handle}
            betas = {"beta1_power": 0.0, "beta2_power": 0.0, "beta1": BETA1, "beta2": BETA2}
            tf.raw_ops.ResourceApplyAdam(**slots, **betas, lr=rate, epsilon=epsilon, grad=gradient)
        return loss


def numbers_of(step):
    """AdamW's numbers of a step counted from 1: rate, what weights shrink by, and epsilon, both corrections of the moments' bias in them."""
    deviation = math.sqrt(1 - BETA2**step)
    return [RATE * deviation / (1 - BETA1**step), 1 - RATE * DECAY, EPSILON * deviation]


def export(training, folder):
    """Writes the step as a SavedModel, and the names by which it is fed and fetched as signature.json."""
    tf.saved_model.save(training, folder, signatures={"step": training.step})
    return write_names(folder, "step")


def write_names(folder, key):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    with open(os.path.join(folder, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    signature = saved.meta_graphs[0].signature_def[key]
    named = lambda entries: {name: entries[name].name for name in sorted(entries)}
    names = {"inputs": named(signature.inputs), "outputs": named(signature.outputs)}
    with open(os.path.join(folder, "signature.json"), "w") as file:
        json.dump(names, file)
    return names


def export_feeds(folder, values):
    """A graph that is given three vectors and gives three, as a step would whose parameters and moments are not its own."""
    vector = tf.TensorSpec([values], tf.float32)
    module = tf.Module()
    module.counter = tf.Variable(tf.zeros([values]))
    module.given = tf.function(lambda p, m, v: {"p": p + 1, "m": m + 1, "v": v + 1}, input_signature=[vector] * 3)
    module.looked = tf.function(lambda p, m, v: {"sum": p[0] + m[0] + v[0]}, input_signature=[vector] * 3)
    module.kept = tf.function(lambda by: {"first": module.counter.assign_add(by)[0]}, input_signature=[tf.TensorSpec([values], tf.float32)])
    for key in ("given", "looked", "kept"):
        tf.saved_model.save(module, os.path.join(folder, key), signatures={key: getattr(module, key)})
        write_names(os.path.join(folder, key), key)


class Loop:
    def __init__(self, request):
        model, batch = request["model"], request["batch"]
        self.training = Training(model, batch, request.get("formulation", "own"), request.get("xla", False))
        rng = np.random.default_rng(1)
        self.images = tf.constant(rng.normal(size=(batch, model["imageSize"], model["imageSize"], model["channels"])), tf.float32)
        self.targets = tf.one_hot(np.arange(batch) % model["classes"], model["classes"])
        self.done = 0

    def step(self):
        self.done += 1
        return float(self.training.step(self.images, self.targets, tf.constant(numbers_of(self.done)))["loss"])

    def turn(self, steps, lead_in):
        times = []
        for i in range(lead_in + steps):
            before = time.perf_counter()
            loss = self.step()
            if i >= lead_in:
                times.append(1000 * (time.perf_counter() - before))
        return {"ms": times, "loss": loss}


def serve():
    loop = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["kind"] == "start":
                loop = Loop(request)
                answer = {"kind": "ready", "device": f"cpu, tensorflow {tf.__version__}"}
            else:
                answer = {"kind": "turn", "turn": loop.turn(request["steps"], request["leadIn"])}
        except Exception as error:  # the parent shows it and goes on without us
            answer = {"kind": "error", "message": " ".join(str(error).split())}
        print(json.dumps(answer), flush=True)


def main():
    parser = argparse.ArgumentParser(description="A training step of a Vision Transformer as one graph of TensorFlow.")
    parser.add_argument("--serve", action="store_true", help="take questions as JSON lines")
    parser.add_argument("--export", metavar="FOLDER", help="write a SavedModel instead of timing")
    parser.add_argument("--export-feeds", metavar="FOLDER", help="write graphs that are fed as many values as the model has parameters, three times")
    parser.add_argument("--model", choices=list(MODELS), default="deit-tiny")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--formulation", choices=list(FORMULATIONS), default="own")
    parser.add_argument("--xla", action="store_true", help="compile the step with XLA")
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    request = {**vars(arguments), "model": MODELS[arguments.model]}
    if arguments.export:
        return print(json.dumps(export(Training(request["model"], arguments.batch, arguments.formulation, arguments.xla), arguments.export)))
    if arguments.export_feeds:
        values = sum(parameter.shape.num_elements() for parameter in Training(request["model"], arguments.batch).parameters)
        export_feeds(arguments.export_feeds, values)
        return print(json.dumps({"values": values}))
    loop = Loop(request)
    begun = time.perf_counter()
    first = loop.step()
    seconds = time.perf_counter() - begun
    turn = loop.turn(arguments.steps, 2)
    names = ("model", "batch", "formulation", "xla")
    print(
        json.dumps(
            {**{name: getattr(arguments, name) for name in names}, "firstStepSeconds": seconds, "msMedian": statistics.median(turn["ms"])}
            | {"firstLoss": first, "lastLoss": turn["loss"]}
        )
    )


if __name__ == "__main__":
    main()
