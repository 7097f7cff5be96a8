#!/usr/bin/env python3
"""Trains gesso's vq-vae in PyTorch and evaluates it, for bench/peers/compare_vq_vae. Prints one JSON object.

The network and the averages of the codes are torch_step.py's; the rest follows models/vq_vae.cc and nn/vector_quantizer.cc: pixels/255 - 1/2, the
squared error over a given variance, PyTorch's own initialisation (gesso's, too), codes that start as centres of the first batch,
Adam, a new order of all images in every epoch, figures of all test images with the codes held still. Only the streams of
random numbers differ.
"""

import argparse
import gzip
import itertools
import json
import pathlib

import torch

from torch_step import VqVae

RESTART = 0.5  # gesso's default: --set restart


def images(folder, stem):
    """(N,1,H,W) u8 of the IDX file STEM-images-idx3-ubyte, plain or compressed."""
    name = f"{stem}-images-idx3-ubyte"
    packed = folder / f"{name}.gz"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / name).read_bytes()
    n, h, w = (int.from_bytes(data[i:i + 4], "big") for i in (4, 8, 12))
    return torch.frombuffer(bytearray(data[16:]), dtype=torch.uint8).view(n, 1, h, w)


def batch(pixels):
    return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)


def batches(pixels, size):
    """Epoch after epoch, each in an order of its own; one image alone is left out, others that are left over are a batch."""
    while True:
        for which in torch.randperm(len(pixels)).split(size):
            if len(which) > 1 or size == 1:
                yield batch(pixels[which])


@torch.no_grad()
def start_codes(model, x):
    """The centres of the vectors of x, by ten rounds of k-means from vectors in random order, as averages of N = restart vectors.
    A centre that loses its last vector stays."""
    z = model.encoder(x - 0.5).permute(0, 2, 3, 1).reshape(-1, model.codes.shape[1])
    order = torch.randperm(len(z))
    model.codes.copy_(z[order[torch.arange(len(model.codes)) % len(z)]])
    for _ in range(10):
        index = model.nearest(z)
        n = torch.bincount(index, minlength=len(model.codes))[:, None]
        sums = torch.zeros_like(model.codes).index_add_(0, index, z)
        model.codes.copy_(torch.where(n > 0, sums / n, model.codes))
    model.usage.fill_(model.restart)
    model.sums.copy_(model.codes * model.restart)


def go_on_from(path, model, adam):
    """Weights, codes and Adam's state of a gesso checkpoint: channels last there, names alike."""
    from safetensors.torch import load_file
    state = {k: v.permute(0, 3, 1, 2) if v.dim() == 4 else v for k, v in load_file(path).items()}
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(state[f"weights.{name}"])
            m, v, step = (state[f"training.adam.{name}.{part}"] for part in "m v step".split())
            like = torch.empty_like(p)  # its memory layout, too
            adam.state[p] = {"step": step.float(), "exp_avg": like.clone().copy_(m), "exp_avg_sq": like.clone().copy_(v)}
        for name, b in model.named_buffers():
            b.copy_(state[f"weights.quantizer.{name}"])


def train(model, adam, source, steps):
    """The loss of every step."""
    losses = []
    for _ in range(steps):
        adam.zero_grad()
        loss, z, index = model(next(source))
        loss.backward()
        adam.step()
        model.follow(z, index)
        losses.append(loss.item())
    return losses


@torch.no_grad()
def evaluate(model, pixels):
    """As `gesso eval`: means over images, perplexity exp(-sum p log p) of the codes of all of them."""
    reconstruction, commitment, counts = 0., 0., torch.zeros(len(model.codes), dtype=torch.float64)
    for part in pixels.split(500):  # so many that memory stays small
        r, c, _, index = model.terms(batch(part))
        reconstruction += r.item() * len(part) / len(pixels)
        commitment += c.item() * len(part) / len(pixels)
        counts += torch.bincount(index, minlength=len(counts))
    p = counts / counts.sum()
    return {"loss": reconstruction + commitment, "reconstruction": reconstruction, "commitment": commitment,
            "perplexity": torch.special.entr(p).sum().exp().item()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path, required=True, help="folder of the IDX files")
    parser.add_argument("--variance", type=float, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--width", type=float, required=True)
    parser.add_argument("--codes", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=pathlib.Path, help="a checkpoint of gesso to go on from; no code starts again then")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    pixels, test = images(args.images, "train"), images(args.images, "t10k")
    restart = 0 if args.start else RESTART
    model = VqVae(*test.shape[2:], 1, args.codes, width=args.width, variance=args.variance, restart=restart)
    model.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(model.parameters(), lr=args.lr, fused=True)
    source = batches(pixels, args.batch_size)
    if args.start:
        go_on_from(args.start, model, adam)
    else:
        first = next(source)
        start_codes(model, first)
        source = itertools.chain([first], source)
    losses = train(model, adam, source, args.steps)
    print(json.dumps({"version": torch.__version__, "losses": losses, "figures": evaluate(model, test)}))


if __name__ == "__main__":
    main()
