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
UPSTREAM = torch.tensor([0.75, -1.5, 2.25, 0.5, -1.25], dtype=torch.float64)  # as many as there are examples
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


# The losses below as their authors publish them; what they average over the batch is left apart by example.


def decoupled_kd(student, teacher, labels, temperature=1.0, alpha=1.0, beta=1.0):
    own = F.one_hot(torch.tensor(labels), student.shape[1]).bool()
    s, t = F.softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)
    pair = lambda p: torch.stack([p[own], 1 - p[own]], 1)
    tckd = F.kl_div(pair(s).log(), pair(t), reduction="none").sum(1)
    among = lambda z: F.log_softmax((z / temperature).masked_fill(own, -1000), 1)
    nckd = F.kl_div(among(student), among(teacher), reduction="none", log_target=True).sum(1)
    return (alpha * tckd + beta * nckd) * temperature**2


def pearson(a, b):
    return F.cosine_similarity(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True), dim=1)


def dist(student, teacher, temperature=1.0, beta=1.0, gamma=1.0):
    s, t = F.softmax(student / temperature, 1), F.softmax(teacher / temperature, 1)
    return (beta * (1 - pearson(s, t)) + gamma * (1 - pearson(s.T, t.T)).mean()) * temperature**2


def standardise(z):
    return (z - z.mean(-1, keepdim=True)) / (z.std(-1, keepdim=True) + 1e-7)


def standardised_kl(student, teacher, temperature=1.0):
    return kl_divergence(standardise(student), standardise(teacher), temperature)


def pairwise(x):
    squares = ((x.unsqueeze(0) - x.unsqueeze(1)) ** 2).sum(2)
    lengths = torch.where(squares > 0, squares.clamp(min=1e-12), torch.ones_like(squares)).sqrt() * (squares > 0)
    return lengths / lengths[lengths > 0].mean()


def rkd_distance(student, teacher):
    return F.smooth_l1_loss(pairwise(student), pairwise(teacher), reduction="none").mean(1)


def angle(x):
    directions = F.normalize(x.unsqueeze(0) - x.unsqueeze(1), p=2, dim=2)
    return torch.bmm(directions, directions.transpose(1, 2))


def rkd_angle(student, teacher):
    return F.smooth_l1_loss(angle(student), angle(teacher), reduction="none").mean((1, 2))


def similarity_preserving(student, teacher):
    similarity = lambda x: F.normalize(x @ x.T, p=2, dim=1)
    return ((similarity(student) - similarity(teacher)) ** 2).mean(1)


def pkt(student, teacher, eps=1e-7):
    def chances(x):
        x = F.normalize(x, dim=1)
        similarity = (x @ x.T + 1) / 2
        return similarity / similarity.sum(1, keepdim=True)

    s, t = chances(student), chances(teacher)
    return (t * torch.log((t + eps) / (s + eps))).mean(1)


def linear_cka(student, teacher):
    x, y = student - student.mean(1, keepdim=True), teacher - teacher.mean(1, keepdim=True)
    norm = lambda m: torch.linalg.matrix_norm(m)
    return 1 - norm(y.mT @ x) ** 2 / (norm(x.mT @ x) * norm(y.mT @ y))


def attention_transfer(student, teacher):
    attention = lambda x: F.normalize(x.pow(2).mean(2), dim=1)
    return (attention(student) - attention(teacher)).pow(2).mean(1)


def variational_information(student, teacher, rawVariance, epsilon=1e-5):
    variance = F.softplus(rawVariance) + epsilon
    return (0.5 * ((student - teacher) ** 2 / variance + torch.log(variance))).mean((1, 2))


def masked_kl(student, teacher, mask):
    each = F.kl_div(F.log_softmax(student, -1), F.log_softmax(teacher, -1), reduction="none", log_target=True).sum(-1)
    return (each * mask).sum(1) / mask.sum(1)


def case(name, loss, differentiable, inputs, **options):
    inputs = {key: value.clone().requires_grad_(key in differentiable) for key, value in inputs.items()}
    values = loss(**inputs, **options)
    (UPSTREAM[: len(values)] * values).sum().backward()
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
    # Drawn last, so that the cases above stay as they were.
    batch = {"student": normal(5, STUDENT), "teacher": normal(5, ANCESTOR)}
    answers = {"student": normal(5, C, scale=2), "teacher": normal(5, C, scale=2)}
    tokens = {"student": normal(B, N, STUDENT), "teacher": normal(B, N, ANCESTOR)}
    same = {"student": normal(B, N, ANCESTOR), "teacher": normal(B, N, ANCESTOR)}
    mask = torch.tensor([[1, 0, 1], [0, 0.5, 1]]).double()
    labels = [1, 0, 3, 3, 2]
    cases += [
        case("decoupledKd", decoupled_kd, ["student"], answers, labels=labels),
        case("decoupledKd", decoupled_kd, ["student"], answers, labels=labels, temperature=4, alpha=1, beta=8),
        case("dist", dist, ["student"], answers),
        case("dist", dist, ["student"], answers, temperature=4, beta=2, gamma=0.5),
        case("standardiseLogits", standardised_kl, ["student"], answers, temperature=2),
        case("rkdDistance", rkd_distance, ["student"], batch),
        case("rkdAngle", rkd_angle, ["student"], batch),
        case("similarityPreserving", similarity_preserving, ["student"], batch),
        case("pkt", pkt, ["student"], batch),
        case("linearCka", linear_cka, ["student"], tokens),
        case("attentionTransfer", attention_transfer, ["student"], tokens),
        case("variationalInformation", variational_information, ["student", "rawVariance"], same | {"rawVariance": normal(ANCESTOR)}),
        case("tokenWise", masked_kl, ["student"], same | {"mask": mask}),
    ]
    document = {"torch": torch.__version__, "upstream": UPSTREAM.tolist(), "cases": cases}
    path = Path(__file__).parent.parent / "src" / "golden.json"
    path.write_text(json.dumps(document))


main()
