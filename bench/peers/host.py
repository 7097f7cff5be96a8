"""What tables of peers say of where their figures come from, and how PyTorch is started here."""

import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# glibc's malloc told to use huge pages and to give nothing back: without it PyTorch spends much of its time on page faults.
TUNED = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"}


def peer_python():
    """A Python with torch: $GESSO_PEER_PYTHON, or what bench/peers/setup left, or the one that runs this."""
    own = ROOT / "build/peers/bin/python"
    return os.environ.get("GESSO_PEER_PYTHON", str(own) if own.exists() else sys.executable)


def machine(device="cpu"):
    if device == "cuda":
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True).stdout.strip()
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def commit():
    found = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    carried = ROOT / "prerequisites/commit"  # where the sources came without their history (scripts/gpu-check)
    return found or (carried.read_text().strip() if carried.exists() else "")
