"""Writes print.txt: tensors and how NumPy prints them. A case is a line `> dtype shape : values`, or `.. : arange start step`, then the text.

    python3 tests/golden/make_print.py > tests/golden/print.txt
"""
import numpy as np

DTYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "u8": np.uint8, "b8": np.bool_}
rng = np.random.default_rng(0)
print(f"# NumPy {np.__version__}")


def written(v, dtype):
    return np.format_float_scientific(v, trim="-") if dtype[0] == "f" else str(int(v))


def case(dtype, values, shape=None):
    a = np.asarray(values, DTYPES[dtype])
    a = a if shape is None else a.reshape(shape)
    print(f"> {dtype} {','.join(map(str, a.shape))} :", *(written(v, dtype) for v in a.ravel()))
    print(a)


def arange(dtype, shape, start, step):
    n = int(np.prod(shape))
    a = start + np.arange(n, dtype=np.float64) * step
    a = (a.clip(0, 255) if dtype == "u8" else a).astype(DTYPES[dtype]).reshape(shape)
    print(f"> {dtype} {','.join(map(str, shape))} : arange {start} {step}")
    print(a)


# What a person would try.
for dtype in DTYPES:
    case(dtype, [[1, 0], [3, 4]])
    case(dtype, 1)
    case(dtype, [])
    case(dtype, [], (0, 3))
    case(dtype, [], (2, 0, 3))
    case(dtype, [[[5]]])
    arange(dtype, (2, 3, 4), 0, 1)
    if dtype in ("f32", "i64"):
        arange(dtype, (1000,), 0, 1)
    arange(dtype, (1001,), 0, 1)
    arange(dtype, (30, 40), 0, 1)
    arange(dtype, (7, 6, 5, 6), 0, 1)
for dtype in ("f32", "f64"):
    for scalar in (0.0, -0.0, 1.5, 0.1, 1 / 3, 1e-4, 1.00000005e-4, 9.9e-5, 999999, 1e6, 1e15, 1.234e16, 123456.789, 16777217, np.pi, -np.e, 1e30, np.inf, -np.inf, np.nan):
        case(dtype, scalar)
    case(dtype, [0.1, 0.25, 3])
    case(dtype, [1 / 3, 2 / 3, -1])
    case(dtype, [1e-5, 1, 100])
    case(dtype, [1e-10, 1e10])
    case(dtype, [1e-300 if dtype == "f64" else 1e-38, 1])
    case(dtype, [999.9, 1])
    case(dtype, [1000.1, 1])
    case(dtype, [1e5, 1e6, 1e7])
    case(dtype, [99999992, 99999999])
    case(dtype, [1e8, 1])
    case(dtype, [0, -0.0, 0])
    case(dtype, [np.nan, 1.5, -2])
    case(dtype, [np.inf, -np.inf, np.nan])
    case(dtype, [np.nan])
    case(dtype, [np.inf, 1])
    case(dtype, [-np.inf, 10.25])
    case(dtype, [np.inf, 1e-7])
    case(dtype, [0.999999999, 0.5])
    case(dtype, [0.123456785, 0.123456775])
    case(dtype, [9.999999999e-5, 1])
    case(dtype, [np.finfo(DTYPES[dtype]).max, np.finfo(DTYPES[dtype]).tiny, np.finfo(DTYPES[dtype]).smallest_subnormal])
    arange(dtype, (60,), 0, 0.1)
    arange(dtype, (3, 30), -1, 0.37)
    arange(dtype, (5, 300), 0, 1e-3)
    arange(dtype, (1, 2, 3, 1, 2, 2), 0, 0.5)
arange("f32", (28, 28), 0, 1 / 784)
case("i64", [-(2**63), 2**63 - 1, 0])
case("i64", [[-1, 10], [100, -1000]])
case("u8", [[0, 255], [7, 70]])
case("b8", [True] * 40)

# Everything else: random values of every magnitude.
for _ in range(120):
    dtype = rng.choice(["f32", "f64", "f32", "f64", "i64"])
    shape = tuple(rng.integers(1, 5, rng.integers(1, 4)))
    kind = rng.integers(6)
    v = rng.standard_normal(shape)
    if kind == 1:
        v = np.round(v * 10.0 ** rng.integers(0, 7))
    elif kind == 2:
        v = np.round(v * 100) / 10.0 ** rng.integers(0, 5)
    elif kind == 3:
        v = v * 10.0 ** rng.integers(-12, 12)
    elif kind == 4:
        v = v * 10.0 ** rng.integers(-6, 7, shape)
    elif kind == 5 and dtype != "i64":
        bits = rng.integers(0, 2**63, shape, np.uint64) << np.uint64(1)
        v = bits.view(np.float64) if dtype == "f64" else (bits >> np.uint64(32)).astype(np.uint32).view(np.float32)
    if dtype != "i64" and rng.integers(4) == 0:
        v = np.where(rng.random(shape) < 0.2, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0]), v)
    case(dtype, v if dtype != "i64" else np.clip(np.nan_to_num(v * 1000), -1e15, 1e15))
