#!/usr/bin/env python3
"""Whole training steps of gesso's models in PyTorch, for bench/peers/compare_steps.

The same layers, losses, optimizers and batch as models/mlp_vae.cc and models/mlp_gan.cc; random images, since the work does
not depend on them. PyTorch is run as its users would at their best: every thread asked for, the fused Adam where it is
faster, no gradient that nobody uses (backward(inputs=...) in the generator's step), optionally torch.compile and, on a GPU,
a CUDA graph of the whole step. On a GPU 50 steps are timed together, so that nothing waits for the device in between.
Prints one JSON object.
"""

import argparse
import json
import resource
import statistics
import time

start = time.perf_counter()
import torch  # noqa: E402  (importing is part of what start-up costs)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


class Vae(nn.Module):
    """784-400-20, Bernoulli likelihood on logits (Kingma & Welling 2014)."""

    def __init__(self):
        super().__init__()
        self.hidden, self.mu, self.logvar = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

    def forward(self, x):
        h = F.relu(self.hidden(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu * mu - torch.exp(logvar))
        return (nll + kl) / x.shape[0]


def mlp(*sizes, last, dropout=0):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers += [nn.LeakyReLU(0.2), nn.Dropout(dropout)] if dropout else [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, *last)


def vae_step(batch, args):
    model = Vae().to(args.device)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=args.fused, capturable=args.graph)
    loss_of = torch.compile(model) if args.compile else model
    x = torch.rand(batch, 784, device=args.device)

    def step():
        adam.zero_grad()
        loss_of(x).backward()
        adam.step()

    return step


def gan_step(batch, args):
    g = mlp(100, 128, 256, 512, 784, last=[nn.Tanh()]).to(args.device)
    d = mlp(784, 512, 256, 128, 1, last=[], dropout=0.4).to(args.device)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, fused=args.fused, capturable=args.graph)
    adam_d = torch.optim.Adam(d.parameters(), lr=1e-4, fused=args.fused, capturable=args.graph)
    g_parameters = list(g.parameters())
    x = torch.rand(batch, 784, device=args.device) * 2 - 1
    run_g, run_d = (torch.compile(g), torch.compile(d)) if args.compile else (g, d)

    def step():
        fake = run_g(torch.randn(batch, 100, device=args.device))
        adam_d.zero_grad()
        real_d, fake_d = run_d(torch.cat([x, fake.detach()])).split(batch)
        loss_d = F.softplus(-real_d).mean() + F.softplus(fake_d).mean()
        loss_d.backward()
        adam_d.step()
        adam_g.zero_grad()
        F.softplus(-run_d(fake)).mean().backward(inputs=g_parameters)
        adam_g.step()

    return step


def graphed(step):
    """The step captured once as a CUDA graph, after the warm-up on a side stream that PyTorch asks for."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["mlp-vae", "mlp-gan"])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fused", action="store_true", help="the fused Adam")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--graph", action="store_true", help="the step as a CUDA graph")
    args = parser.parse_args()
    wait = torch.cuda.synchronize if args.device == "cuda" else lambda: None
    together = 50 if args.device == "cuda" else 1
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    step = {"mlp-vae": vae_step, "mlp-gan": gan_step}[args.model](args.batch_size, args)
    if args.graph:
        step = graphed(step)
    step()
    wait()
    first = time.perf_counter() - start
    for _ in range(20):
        step()
    times = []
    wait()
    for _ in range(args.steps // together):
        before = time.perf_counter()
        for _ in range(together):
            step()
        wait()
        times.append((time.perf_counter() - before) / together)
    print(json.dumps({
        "version": torch.__version__,
        "median_ms": 1e3 * statistics.median(times),
        "min_ms": 1e3 * min(times),
        "first_step_ms": 1e3 * first,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))


if __name__ == "__main__":
    main()
