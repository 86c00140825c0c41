"""Golden values and gradients of every loss, from PyTorch in double precision on the CPU.

    pip install torch==2.13.0
    python packages/distill-losses/scripts/make-golden.py
    npx biome format --write packages/distill-losses/src/golden.json

writes src/golden.json. Inputs are float32 numbers of two or three decimals; gradients are those of sum(upstream * loss).
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

B, N, C, H, STUDENT, ANCESTOR = 2, 3, 4, 2, 3, 5
UPSTREAM = torch.tensor([0.75, -1.5], dtype=torch.float64)
torch.manual_seed(0)


def normal(*shape, scale=1.0):
    return decimals(torch.randn(*shape, dtype=torch.float64) * scale, 2)


def decimals(x, places):
    return torch.round(x, decimals=places).float().double()


def attention_map():
    return decimals(torch.softmax(torch.randn(B, H, N, N, dtype=torch.float64), -1), 3)


def soft_target(student, teacher, temperature=1.0, classes="sum"):
    loss = nn.CrossEntropyLoss(reduction="none")(student / temperature, F.softmax(teacher / temperature, -1))
    return loss * temperature**2 if classes == "sum" else loss / student.shape[-1]


def kl_divergence(student, teacher, temperature=1.0, classes="sum"):
    log_student, log_teacher = F.log_softmax(student / temperature, -1), F.log_softmax(teacher / temperature, -1)
    loss = nn.KLDivLoss(reduction="none", log_target=True)(log_student, log_teacher)
    return loss.sum(-1) * temperature**2 if classes == "sum" else loss.mean(-1)


def mse(student, teacher):
    return nn.MSELoss(reduction="none")(student, teacher).mean((1, 2))


def transformed(student, teacher, weight, bias, side):
    if side == "student":
        return mse(F.linear(student, weight, bias), teacher)
    return mse(student, F.linear(teacher, weight, bias))


def relation_mse(student, teacher):
    student, teacher = F.normalize(student, dim=-1), F.normalize(teacher, dim=-1)
    return mse(student @ student.mT, teacher @ teacher.mT)


def attention_map_kl(student, teacher):
    return nn.KLDivLoss(reduction="none")(student.log(), teacher).sum(-1).mean((1, 2))


def case(name, loss, differentiable, inputs, **options):
    inputs = {key: value.clone().requires_grad_(key in differentiable) for key, value in inputs.items()}
    values = loss(**inputs, **options)
    (UPSTREAM * values).sum().backward()
    return {
        "loss": name,
        "options": options,
        "inputs": {key: flat(value) for key, value in inputs.items()},
        "values": digits(values, 9),
        "gradients": {key: digits(inputs[key].grad, 9) for key in differentiable},
    }


def flat(x):
    return {"shape": list(x.shape), "values": digits(x, 7)}


def digits(x, count):
    return [float(f"{value:.{count}g}") for value in x.detach().flatten().tolist()]


def main():
    logits = {"student": normal(B, C, scale=2), "teacher": normal(B, C, scale=2)}
    features = {"student": normal(B, N, STUDENT), "teacher": normal(B, N, STUDENT)}
    widths = {"student": normal(B, N, STUDENT), "teacher": normal(B, N, ANCESTOR)}
    to_ancestor = {"weight": normal(ANCESTOR, STUDENT), "bias": normal(ANCESTOR)}
    to_student = {"weight": normal(STUDENT, ANCESTOR), "bias": normal(STUDENT)}
    maps = {"student": attention_map(), "teacher": attention_map()}
    probabilities = {"student": logits["student"], "labels": torch.tensor([[0.8, 0.2, 0, 0], [0.1, 0.1, 0.1, 0.7]]).double()}
    trained = ["student", "weight", "bias"]
    cases = [
        case("softTarget", soft_target, ["student"], logits),
        case("softTarget", soft_target, ["student"], logits, temperature=4, classes="sum"),
        case("softTarget", soft_target, ["student"], logits, temperature=4, classes="mean"),
        case("klDivergence", kl_divergence, ["student"], logits),
        case("klDivergence", kl_divergence, ["student"], logits, temperature=4, classes="sum"),
        case("klDivergence", kl_divergence, ["student"], logits, temperature=4, classes="mean"),
        case("hardTarget", lambda student, teacher: F.cross_entropy(student, teacher.argmax(-1), reduction="none"), ["student"], logits),
        case(
            "labelTarget",
            lambda student, labels: F.cross_entropy(student, torch.tensor(labels), reduction="none"),
            ["student"],
            {"student": logits["student"]},
            labels=[2, 0],
        ),
        case("labelTarget", lambda student, labels: F.cross_entropy(student, labels, reduction="none"), ["student"], probabilities),
        case("featureMse", mse, ["student"], features),
        case("transformedMse", transformed, trained, widths | to_ancestor, side="student"),
        case("transformedMse", transformed, trained, widths | to_student, side="teacher"),
        case("cosineDistance", lambda student, teacher: (1 - F.cosine_similarity(student, teacher, dim=-1)).mean(-1), ["student"], features),
        case("relationMse", relation_mse, ["student"], widths),
        case("attentionMapKl", attention_map_kl, ["student"], maps),
    ]
    document = {"torch": torch.__version__, "upstream": UPSTREAM.tolist(), "cases": cases}
    path = Path(__file__).parent.parent / "src" / "golden.json"
    path.write_text(json.dumps(document))


main()
