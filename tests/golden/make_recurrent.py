"""Writes recurrent.json: what PyTorch computes for its LSTM, GRU and their cells, in float64.

Run it in tests/golden with PyTorch; the file says which version made it.
"""

import json

import torch
from torch import nn

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


def case(module, shape, states, state_shape, options):
    """Values and all gradients for one cotangent each; `states` of them, none given where the shape is None."""
    x = torch.randn(*shape, requires_grad=True)
    first = [torch.randn(*state_shape, requires_grad=True) for _ in range(states)] if state_shape else []
    given = first[0] if len(first) == 1 else tuple(first) or None
    found = module(x, given)
    if not isinstance(found, tuple):
        found = (found,)
    outputs = [t for part in found for t in (part if isinstance(part, tuple) else (part,))]
    cotangents = [torch.randn_like(y) for y in outputs]
    torch.autograd.backward(outputs, cotangents)
    return {"text": str(module), "options": options, "state": dict(module.state_dict()), "x": x, "first": first,
            "outputs": outputs, "cotangents": cotangents, "dx": x.grad, "dfirst": [s.grad for s in first],
            "gradients": {n: p.grad for n, p in module.named_parameters()}}


def layers(make, states):
    several = {"num_layers": 2, "bidirectional": True}
    return [case(make(2, 3), (4, 2, 2), states, None, {}),
            case(make(2, 3, **several), (3, 2, 2), states, (4, 2, 3), several),
            case(make(3, 2, bias=False, batch_first=True), (2, 4, 3), states, (1, 2, 2), {"bias": False, "batch_first": True})]


def cells(make, states):
    return [case(make(2, 3), (4, 2), states, (4, 3), {}), case(make(3, 2, bias=False), (2, 3), states, None, {"bias": False})]


content = {"made_by": "tests/golden/make_recurrent.py with PyTorch " + torch.__version__.split("+")[0],
           "LSTM": layers(nn.LSTM, 2), "GRU": layers(nn.GRU, 1), "LSTMCell": cells(nn.LSTMCell, 2), "GRUCell": cells(nn.GRUCell, 1)}
with open("recurrent.json", "w") as out:
    json.dump(plain(content), out, indent=None, separators=(",", ":"))
    out.write("\n")
