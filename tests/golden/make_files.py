"""Writes the golden files in this folder that tests/nn reads, with the projects whose formats they are.

Made with Python 3.11, numpy 2.4.6, torch 2.15.0, torchvision 0.29.2, safetensors 0.8.0:

    python3 make_files.py
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.utils import save_image

here = Path(__file__).parent


def grid(images, **options):
    """The pixels of the picture that torchvision writes; images (N,H,W,C), grid (H',W',C)."""
    png = io.BytesIO()
    save_image(images.permute(0, 3, 1, 2), png, format="png", **options)
    return torch.from_numpy(np.array(Image.open(png)))[..., : images.shape[-1]].contiguous()


def main():
    generator = torch.Generator().manual_seed(0)

    save_file(
        {
            "fc1.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
            "fc1.bias": torch.tensor([-1.5, 0.0]),
            "double": torch.tensor([[1 / 3], [1e300]], dtype=torch.float64),
            "steps": torch.tensor([-1, 2**62]),
            "pixels": torch.tensor([0, 128, 255], dtype=torch.uint8),
            "mask": torch.tensor([True, False]),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(3, 0, 2),
            "schön \"quoted\"\\\t\u0001": torch.tensor([7], dtype=torch.uint8),
        },
        here / "types.safetensors",
        metadata={"format": "pt"},
    )
    save_file(
        {"a": torch.zeros(2, 2, dtype=torch.int32), "b": torch.zeros(3, dtype=torch.bfloat16)},
        here / "foreign.safetensors",
    )

    np.save(here / "f4.npy", np.arange(6, dtype="<f4").reshape(2, 3) / 4)
    np.save(here / "f8_scalar.npy", np.float64(1 / 3))
    np.save(here / "i8.npy", np.array([-1, 2**62]))
    np.save(here / "u1_empty.npy", np.zeros((3, 0, 2), dtype=np.uint8))
    np.save(here / "b1.npy", np.array([[True], [False]]))
    np.save(here / "fortran.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    np.save(here / "big_endian.npy", np.arange(3, dtype=">f4"))

    grey = torch.rand(11, 5, 4, 1, generator=generator) * 1.2 - 0.1  # beyond [0,1] on both sides
    grey[0, :, 0, 0] = torch.tensor([0.5, 127.5, 128.5, 254.5, 255]) / 255  # where rounding is close
    rgb = torch.randn(5, 3, 4, 3, generator=generator)
    save_file(
        {
            "grey": grey,
            "grey grid": grid(grey),
            "rgb": rgb,
            "rgb grid": grid(rgb, nrow=3, padding=1, pad_value=0.4, normalize=True, value_range=(-1, 1)),
            "one grid": grid(rgb[:1]),
            "column grid": grid(grey[:3], nrow=1, padding=0),
        },
        here / "grids.safetensors",
    )


if __name__ == "__main__":
    main()
