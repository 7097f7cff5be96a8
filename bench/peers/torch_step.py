#!/usr/bin/env python3
"""Whole training steps of gesso's models in PyTorch, for bench/peers/compare_steps.

The same layers, losses, optimizers and batch as models/*.cc; random images, since the work does not depend on them. PyTorch is
run as its users would at their best: every thread asked for, the fused Adam where it is faster, activations in place, no
gradient that nobody uses (backward(inputs=...) in the generator's step), optionally images with channels last, torch.compile
and, on a GPU, a CUDA graph of the whole step. On a GPU 50 steps are timed together, so that nothing waits for the device in
between. Prints one JSON object.
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
    """Bernoulli likelihood on logits (Kingma & Welling 2014); encoder and decoder as given, `hidden` wide at their end."""

    def __init__(self, encoder, hidden, latent, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.mu, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu * mu - torch.exp(logvar))
        return (nll + kl) / x.shape[0]


def mlp_vae(h, w, c):
    """784-400-20."""
    d = h * w * c
    return Vae(nn.Sequential(nn.Linear(d, 400), nn.ReLU(inplace=True)), 400, 20,
               nn.Sequential(nn.Linear(20, 400), nn.ReLU(inplace=True), nn.Linear(400, d)))


def leaky():
    return nn.LeakyReLU(0.2, inplace=True)


def conv_vae(h, w, c):
    """Halved by 4x4 filters of 32, 64, .. channels until 4x4 or less, and back; a latent number for every 32 pixels."""
    latent, sizes, channels, encoder = h * w // 32, [(h, w)], c, []
    while min(h, w) > 4:
        out = 32 if len(sizes) == 1 else 2 * channels
        encoder += [nn.Conv2d(channels, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), leaky()]
        channels, h, w = out, h // 2, w // 2
        sizes.append((h, w))
    hidden = channels * h * w
    decoder = [nn.Linear(latent, hidden), leaky(), nn.Unflatten(1, (channels, h, w))]
    for i in range(len(sizes) - 1, 0, -1):
        last, odd = i == 1, tuple(e % 2 for e in sizes[i - 1])
        out = c if last else channels // 2
        decoder.append(nn.ConvTranspose2d(channels, out, 4, 2, 1, output_padding=odd, bias=last))
        decoder += [] if last else [nn.BatchNorm2d(out), leaky()]
        channels = out
    return Vae(nn.Sequential(*encoder, nn.Flatten()), hidden, latent, nn.Sequential(*decoder))


class Residual(nn.Module):
    def __init__(self, channels, between):
        super().__init__()
        self.inner = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, between, 3, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(between, channels, 1))

    def forward(self, x):
        return x + self.inner(x)


class VqVae(nn.Module):
    """models/vq_vae.cc with codes as averages. Of the known ways to find the nearest codes and to sum up their vectors the
    leanest: one addmm and argmin, bincount and index_add instead of products with one-hot matrices. The variance is that of
    uniform noise, unless another is given."""

    def __init__(self, h, w, c, codes=512, dim=64, width=1, variance=1 / 12, restart=0.5):
        super().__init__()
        self.variance, self.restart = variance, restart
        half, full, between = (round(width * n) for n in (64, 128, 32))
        self.encoder = nn.Sequential(
            nn.Conv2d(c, half, 4, 2, 1), nn.ReLU(inplace=True), nn.Conv2d(half, full, 4, 2, 1), nn.ReLU(inplace=True),
            nn.Conv2d(full, full, 3, 1, 1), Residual(full, between), Residual(full, between), nn.ReLU(inplace=True),
            nn.Conv2d(full, dim, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(dim, full, 3, 1, 1), Residual(full, between), Residual(full, between), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(full, half, 4, 2, 1), nn.ReLU(inplace=True), nn.ConvTranspose2d(half, c, 4, 2, 1))
        for name, start in [("codes", torch.randn(codes, dim)), ("sums", torch.zeros(codes, dim)), ("usage", torch.ones(codes))]:
            self.register_buffer(name, start)
        self.sums.copy_(self.codes)

    def nearest(self, rows):
        return torch.addmm(self.codes.square().sum(1) / 2, rows, self.codes.t(), alpha=-1).argmin(1)

    @torch.no_grad()
    def follow(self, z, index):
        self.usage.lerp_(torch.bincount(index, minlength=len(self.usage)).to(z.dtype), 0.01)
        self.sums.lerp_(torch.zeros_like(self.sums).index_add_(0, index, z), 0.01)
        total = self.usage.sum()
        self.codes.copy_(self.sums / ((self.usage + 1e-5) * (total / (total + len(self.usage) * 1e-5)))[:, None])
        unused = self.usage < self.restart
        drawn = z[torch.randint(len(z), (len(unused),), device=z.device)]
        self.codes.copy_(torch.where(unused[:, None], drawn, self.codes))
        self.sums.copy_(torch.where(unused[:, None], self.restart * drawn, self.sums))
        self.usage.masked_fill_(unused, self.restart)

    def terms(self, x):
        """Reconstruction and commitment of images x, and their vectors and codes, which follow() wants afterwards."""
        x = x - 0.5
        z = self.encoder(x).permute(0, 2, 3, 1)
        rows = z.reshape(-1, z.shape[-1])
        with torch.no_grad():
            index = self.nearest(rows)
            e = self.codes[index].view(z.shape)
        z_q = z + (e - z).detach()
        reconstruction = F.mse_loss(self.decoder(z_q.permute(0, 3, 1, 2)), x) / self.variance
        return reconstruction, 0.25 * F.mse_loss(z, e), rows.detach(), index

    def forward(self, x):
        reconstruction, commitment, rows, index = self.terms(x)
        return reconstruction + commitment, rows, index


class ConvLstmLayer(nn.Module):
    """Shi et al. 2015, equation 3, with one convolution of input and state side by side."""

    def __init__(self, channels, hidden, kernel, h, w):
        super().__init__()
        self.channels = channels
        self.conv = nn.Conv2d(channels + hidden, 4 * hidden, kernel, 1, kernel // 2)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden, h, w))

    def forward(self, x, state):
        if state is None:  # nothing to convolve but the input
            a = F.conv2d(x, self.conv.weight[:, :self.channels], self.conv.bias, 1, self.conv.padding)
            c = torch.zeros_like(a[:, :a.shape[1] // 4])
        else:
            h, c = state
            a = self.conv(h if x is None else torch.cat([x, h], 1))
        a_i, a_f, a_g, a_o = a.chunk(4, 1)
        w_i, w_f, w_o = self.peepholes
        c = torch.sigmoid(a_f + w_f * c) * c + torch.sigmoid(a_i + w_i * c) * torch.tanh(a_g)
        return torch.sigmoid(a_o + w_o * c) * torch.tanh(c), c


class ConvLstm(nn.Module):
    """models/convlstm.cc with one layer and patches of one pixel: the second half of the frames from the first."""

    def __init__(self, h, w, c, hidden=16, kernel=3):
        super().__init__()
        self.frames = h // w
        self.encoder, self.forecaster = ConvLstmLayer(c, hidden, kernel, w, w), ConvLstmLayer(0, hidden, kernel, w, w)
        self.readout = nn.Conv2d(hidden, c, 1)

    def forward(self, x):
        half, state, seen = self.frames // 2, None, []
        for t in range(half):
            state = self.encoder(x[t], state)
        for _ in range(half):
            state = self.forecaster(None, state)
            seen.append(state[0])
        logits = self.readout(torch.cat(seen))
        return F.binary_cross_entropy_with_logits(logits, x[half:].flatten(0, 1), reduction="sum") / x.shape[1]


def mlp(*sizes, last, dropout=0):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers += [nn.LeakyReLU(0.2), nn.Dropout(dropout)] if dropout else [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, *last)


def mlp_gan(h, w, c):
    d = h * w * c
    return mlp(100, 128, 256, 512, d, last=[nn.Tanh()]), mlp(d, 512, 256, 128, 1, last=[], dropout=0.4)


def dcgan(h, w, c):
    """models/dcgan.cc: 28x28 with dense layers and 5x5 filters, 32x32 and 64x64 as Radford et al. 2016."""
    if h == 28:
        g = [nn.Linear(100, 7 * 7 * 256, bias=False), nn.BatchNorm1d(7 * 7 * 256), leaky(), nn.Unflatten(1, (256, 7, 7)),
             nn.ConvTranspose2d(256, 128, 5, 1, 2, bias=False), nn.BatchNorm2d(128), leaky(),
             nn.ConvTranspose2d(128, 64, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(64), leaky(),
             nn.ConvTranspose2d(64, c, 5, 2, 2, 1, bias=False), nn.Tanh()]
        d = [nn.Conv2d(c, 64, 5, 2, 2, bias=False), leaky(), nn.Conv2d(64, 128, 5, 2, 2, bias=False), nn.BatchNorm2d(128),
             leaky(), nn.Flatten(), nn.Linear(7 * 7 * 128, 1)]
        return nn.Sequential(*g), nn.Sequential(*d)
    widths = [64 * h // (2 * s) for s in (4, 8, 16, 32) if s < h]  # from 4x4 to half the image
    g = [nn.Unflatten(1, (100, 1, 1))]
    for i, (a, b) in enumerate(zip([100, *widths], widths)):
        g += [nn.ConvTranspose2d(a, b, 4, 2 if i else 1, 1 if i else 0, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
    g += [nn.ConvTranspose2d(64, c, 4, 2, 1, bias=False), nn.Tanh()]
    d = [nn.Conv2d(c, 64, 4, 2, 1, bias=False), leaky()]
    for a, b in zip(widths[::-1], widths[-2::-1]):
        d += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), leaky()]
    return nn.Sequential(*g), nn.Sequential(*d, nn.Conv2d(widths[0], 1, 4, 1, 0, bias=False), nn.Flatten())


def start_as_radford(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, 1, 0.02)


def images(args):
    h, w, c = args.image
    if args.model.startswith("mlp"):
        return torch.rand(args.batch_size, h * w * c, device=args.device)
    return torch.rand(args.batch_size, c, h, w, device=args.device).contiguous(memory_format=args.layout)


def adam(model, args, **rule):
    return torch.optim.Adam(model.parameters(), fused=args.fused, capturable=args.graph, **rule)


def vae_step(define, args):
    model = define(*args.image).to(args.device, memory_format=args.layout)
    optimizer = adam(model, args, lr=1e-3)
    loss_of = torch.compile(model) if args.compile else model
    x = images(args)

    def step():
        optimizer.zero_grad()
        loss_of(x).backward()
        optimizer.step()

    return step


def vq_vae_step(args):
    model = VqVae(*args.image).to(args.device, memory_format=args.layout)
    optimizer = adam(model, args, lr=3e-4)
    run = torch.compile(model) if args.compile else model
    x = images(args)

    def step():
        optimizer.zero_grad()
        loss, z, index = run(x)
        loss.backward()
        optimizer.step()
        model.follow(z, index)

    return step


def convlstm_step(args):
    model = ConvLstm(*args.image).to(args.device, memory_format=args.layout)
    optimizer = adam(model, args, lr=1e-3)
    loss_of = torch.compile(model) if args.compile else model
    h, w, c = args.image
    x = torch.rand(h // w * args.batch_size, c, w, w, device=args.device).contiguous(memory_format=args.layout)
    x = x.view(h // w, args.batch_size, c, w, w)

    def step():
        optimizer.zero_grad()
        loss_of(x).backward()
        optimizer.step()

    return step


def gan_step(define, args, slow_d, beta1, one_batch):
    g, d = (part.to(args.device, memory_format=args.layout) for part in define(*args.image))
    if not one_batch:
        g.apply(start_as_radford), d.apply(start_as_radford)
    adam_g = adam(g, args, lr=2e-4, betas=(beta1, 0.999))
    adam_d = adam(d, args, lr=2e-4 * slow_d, betas=(beta1, 0.999))
    g_parameters = list(g.parameters())
    x = images(args) * 2 - 1
    run_g, run_d = (torch.compile(g), torch.compile(d)) if args.compile else (g, d)

    def both(fake):
        """Logits of real and generated images: one batch, or with batch norm two."""
        return run_d(torch.cat([x, fake])).split(len(x)) if one_batch else (run_d(x), run_d(fake))

    def step():
        fake = run_g(torch.randn(args.batch_size, 100, device=args.device))
        adam_d.zero_grad()
        real_d, fake_d = both(fake.detach())
        loss_d = F.softplus(-real_d).mean() + F.softplus(fake_d).mean()
        loss_d.backward()
        adam_d.step()
        adam_g.zero_grad()
        F.softplus(-run_d(fake)).mean().backward(inputs=g_parameters)
        adam_g.step()

    return step


STEPS = {
    "mlp-vae": lambda args: vae_step(mlp_vae, args),
    "conv-vae": lambda args: vae_step(conv_vae, args),
    "vq-vae": vq_vae_step,
    "convlstm": convlstm_step,
    "mlp-gan": lambda args: gan_step(mlp_gan, args, slow_d=0.5, beta1=0.9, one_batch=True),
    "dcgan": lambda args: gan_step(dcgan, args, slow_d=1, beta1=0.5, one_batch=False),
}


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
    parser.add_argument("model", choices=STEPS)
    parser.add_argument("--image", default="28x28x1", type=lambda s: tuple(map(int, s.split("x"))), help="HxWxC")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fused", action="store_true", help="the fused Adam")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--channels-last", dest="layout", action="store_const", const=torch.channels_last,
                        default=torch.contiguous_format)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--graph", action="store_true", help="the step as a CUDA graph")
    args = parser.parse_args()
    wait = torch.cuda.synchronize if args.device == "cuda" else lambda: None
    together = 50 if args.device == "cuda" else 1
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    step = STEPS[args.model](args)
    if args.graph:
        step = graphed(step)
    step()
    wait()
    first = time.perf_counter() - start
    for _ in range(1 + args.steps // 15):
        step()
    times = []
    wait()
    for _ in range(max(1, args.steps // together)):
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
