"""Writes nn.json: what PyTorch computes for the layers, losses, optimizers and schedules of nn/.

Everything is in float64, so that the comparison shows the formula and not the rounding. Run it in tests/golden with
PyTorch; the file says which version made it.
"""

import json

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def plain(x):
    """A tensor as {"shape", "data"}, anything else as it is."""
    if torch.is_tensor(x):
        return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def layers():
    """A deep stack with every layer: its text, its state's names, its value and all gradients for one cotangent."""
    net = nn.Sequential(
        nn.Linear(5, 7), nn.LeakyReLU(0.2), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 6), nn.Tanh(),
        nn.Linear(6, 6), nn.Sigmoid(), nn.Linear(6, 6, bias=False), nn.ELU(), nn.Linear(6, 6), nn.GELU(),
        nn.Linear(6, 6), nn.SiLU(), nn.Linear(6, 4), nn.Softplus(), nn.Sequential(nn.Tanh(), nn.Flatten()),
        nn.Dropout(0.25), nn.LeakyReLU(), nn.ELU(0.5), nn.Softplus(2.0, 10.0)).eval()
    state = {k: v.clone() for k, v in net.state_dict().items()}
    x = torch.randn(3, 5, requires_grad=True)
    y = net(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    return {
        "text": str(net), "names": [n for n, _ in net.named_parameters()], "state": state, "x": x, "y": y, "dy": dy,
        "dx": x.grad, "gradients": {n: p.grad for n, p in net.named_parameters()},
        "embedding": str(nn.Embedding(10, 3)), "empty": str(nn.Sequential()),
        "count": sum(p.numel() for p in net.parameters()),
    }


def losses():
    cases = []

    def case(name, inputs, f, elements=True, **constants):
        for reduction in ["none", "sum", "mean", "batch_mean"] if elements else ["fixed"]:
            leaves = [x.clone().requires_grad_() for x in inputs]
            each = f(*leaves)
            value = {"none": lambda: each, "sum": each.sum, "mean": each.mean,
                     "batch_mean": lambda: each.sum() / len(inputs[0]), "fixed": lambda: each}[reduction]()
            dy = torch.randn_like(value)
            value.backward(dy)
            cases.append({"name": name, "reduction": reduction, "inputs": inputs, "value": value, "dy": dy,
                          "gradients": [x.grad for x in leaves], **constants})

    a, b, c, d = (torch.randn(3, 4, 2) for _ in range(4))
    case("mse", [a, b], lambda x, t: F.mse_loss(x, t, reduction="none"))
    case("l1", [a, b], lambda x, t: F.l1_loss(x, t, reduction="none"))
    logits = 8 * torch.randn(3, 5)
    logits[0, :3] = torch.tensor([0.0, 90.0, -90.0])
    case("bce_with_logits", [logits, torch.rand(3, 5)],
         lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"))
    index = torch.tensor([4, 0, 2])
    case("cross_entropy", [logits], lambda x: F.cross_entropy(x, index, reduction="none"), index=index)
    normal = torch.distributions.Normal
    case("gaussian_kl", [a, b], lambda m, lv: torch.distributions.kl_divergence(
        normal(m, (lv / 2).exp()), normal(torch.zeros_like(m), torch.ones_like(m))))
    case("gaussian_kl_2", [a, b, c, d], lambda m1, lv1, m2, lv2: torch.distributions.kl_divergence(
        normal(m1, (lv1 / 2).exp()), normal(m2, (lv2 / 2).exp())))
    real, fake = 3 * torch.randn(6, 1), 3 * torch.randn(6, 1)
    ones, zeros = torch.ones(6, 1), torch.zeros(6, 1)
    bce = F.binary_cross_entropy_with_logits
    case("discriminator", [real, fake], lambda r, f: bce(r, ones) + bce(f, zeros), elements=False)
    case("generator_non_saturating", [fake], lambda f: bce(f, ones), elements=False)
    case("generator_minimax", [fake], lambda f: -bce(f, zeros), elements=False)
    case("wasserstein_critic", [real, fake], lambda r, f: f.mean() - r.mean(), elements=False)
    case("wasserstein_generator", [fake], lambda f: -f.mean(), elements=False)
    return cases


def optimizers():
    """Five steps from given gradients. "b" has none at step 1, and lr halves before step 3."""
    start = {"a": torch.randn(3, 2), "b": torch.randn(4)}
    gradients = [{"a": torch.randn(3, 2), "b": torch.randn(4)} for _ in range(5)]
    gradients[1]["b"] = None
    rules = [
        ("Sgd", torch.optim.SGD, {}), ("Sgd", torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.05}),
        ("Sgd", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        ("Sgd", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
        ("Sgd", torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
        ("Adam", torch.optim.Adam, {}),
        ("Adam", torch.optim.Adam, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("AdamW", torch.optim.AdamW, {}),
        ("AdamW", torch.optim.AdamW, {"lr": 0.01, "betas": (0.0, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("Rmsprop", torch.optim.RMSprop, {}),
        ("Rmsprop", torch.optim.RMSprop, {"lr": 5e-3, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ]
    cases = []
    for name, make, options in rules:
        weights = {k: v.clone().requires_grad_() for k, v in start.items()}
        optimizer = make(weights.values(), **options)
        trajectory = []
        for step, gradient in enumerate(gradients):
            if step == 3:
                optimizer.param_groups[0]["lr"] /= 2
            for k, w in weights.items():
                w.grad = None if gradient[k] is None else gradient[k].clone()
            optimizer.step()
            trajectory.append({k: w.detach().clone() for k, w in weights.items()})
        cases.append({"rule": name, "options": options, "trajectory": trajectory})
    return {"start": start, "gradients": gradients, "cases": cases}


def clipping():
    """Three gradients (one missing) clipped by norm and by value."""
    gradients = [torch.randn(3, 2), None, torch.randn(5)]

    def clipped(f):
        weights = [torch.zeros(3, 2), torch.zeros(4), torch.zeros(5)]
        for w, g in zip(weights, gradients):
            w.requires_grad_()
            w.grad = None if g is None else g.clone()
        total = f(weights)
        return {"norm": None if total is None else total.item(), "gradients": [w.grad for w in weights]}

    return {"gradients": gradients,
            "by_norm": [{"max": m, **clipped(lambda w: nn.utils.clip_grad_norm_(w, m))} for m in [0.5, 100.0, 0.0]],
            "by_value": [{"max": m, **clipped(lambda w: nn.utils.clip_grad_value_(w, m))} for m in [0.3]]}


def schedules():
    """The factors of the first 20 steps."""
    def factors(make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = make(optimizer)
        found = []
        for _ in range(20):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return found

    s = torch.optim.lr_scheduler
    return {
        "step": factors(lambda o: s.StepLR(o, 6, 0.3)),
        "cosine": factors(lambda o: s.CosineAnnealingLR(o, 19, 0.1)),  # beyond its end PyTorch's climbs again
        "linear": factors(lambda o: s.LinearLR(o, 0.25, 0.75, 8)),
        "warm_up": factors(lambda o: s.LinearLR(o, 0.2, 1.0, 4)),
        "chain": factors(lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.2, 1.0, 4), s.CosineAnnealingLR(o, 15)], [5])),
    }


content = {"made_by": "tests/golden/make_nn.py with PyTorch " + torch.__version__.split("+")[0], "layers": layers(),
           "losses": losses(), "optimizers": optimizers(), "clipping": clipping(), "schedules": schedules()}
with open("nn.json", "w") as out:
    json.dump(plain(content), out, indent=None, separators=(",", ":"))
    out.write("\n")
