"""Writes conv.safetensors: what PyTorch computes for convolutions of random configurations, in float64.

Case i is the tensors i.options (transposed, stride, padding, dilation, output padding, each height and width, groups), i.x,
i.weight, i.bias (in some), i.dy, and the results i.y, i.dx, i.dweight, i.dbias; images are channels last, filters as PyTorch
has them. i.text is the layer as PyTorch prints it, in the metadata. Run it in tests/golden.
"""

import random

import torch
from safetensors.torch import save_file
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
random.seed(0)


def coarse(*shape):
    """Multiples of 1/16, which compress well and lose nothing."""
    return torch.randint(-32, 33, shape).double() / 16


def case(transposed):
    pair = lambda low, high: (random.randint(low, high), random.randint(low, high))
    groups = random.choice([1, 1, 1, 2, 3])
    kernel, stride, dilation, padding = pair(1, 5), pair(1, 3), pair(1, 2), pair(0, 2)
    more = tuple(random.randrange(max(s, d)) for s, d in zip(stride, dilation)) if transposed else (0, 0)
    channels = groups * random.randint(1, 3), groups * random.randint(1, 3)
    bias = random.random() < 0.7
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
    layer = nn.ConvTranspose2d(*channels, kernel, output_padding=more, **options) if transposed else \
        nn.Conv2d(*channels, kernel, **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(coarse(*p.shape))
    size = [random.randint(2, 4) if transposed else d * (k - 1) + 1 + random.randint(0, 4)
            for k, d in zip(kernel, dilation)]
    x = coarse(random.randint(1, 3), channels[0], *size).requires_grad_()
    y = layer(x)
    if y.numel() == 0:
        raise ValueError
    dy = coarse(*y.shape)
    y.backward(dy)
    last = lambda t: t.detach().permute(0, 2, 3, 1).contiguous()
    numbers = torch.tensor([int(transposed), *stride, *padding, *dilation, *more, groups])
    tensors = {"options": numbers, "x": last(x), "y": last(y), "dy": last(dy), "dx": last(x.grad)}
    for name, p in layer.named_parameters():
        tensors[name], tensors["d" + name] = p.detach(), p.grad
    return str(layer), tensors


texts, tensors = {"made_by": "tests/golden/make_conv.py with PyTorch " + torch.__version__.split("+")[0]}, {}
done = 0
while done < 48:
    try:
        text, found = case(done % 2 == 1)
    except (ValueError, RuntimeError):  # nothing is left of the image
        continue
    texts[f"{done}.text"] = text
    tensors.update({f"{done}.{k}": t for k, t in found.items()})
    done += 1

save_file({k: t.contiguous() for k, t in tensors.items()}, "conv.safetensors", texts)
