"""Times PyTorch's float32 products of DeiT's linear maps on CUDA: y = x W^T + b, dx = dy W, dW = dy^T x, and scaled dot-product attention, one after the other.

    python3 benchmarks/pytorch/products.py --model deit-tiny --batch 64
"""

import argparse

import torch
from torch.nn import functional as F

WIDTHS = {"deit-tiny": 192, "deit-small": 384, "deit-base": 768}
TOKENS = 197
REPEATS = 20
ROUNDS = 5


def milliseconds(run):
    """The least of some rounds, each of many runs in a row."""
    for _ in range(REPEATS):
        run()
    times = []
    for _ in range(ROUNDS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(REPEATS):
            run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / REPEATS)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description="Times PyTorch's float32 products of DeiT's linear maps on CUDA.")
    parser.add_argument("--model", choices=list(WIDTHS), default="deit-tiny")
    parser.add_argument("--batch", type=int, default=64)
    arguments = parser.parse_args()
    width, rows = WIDTHS[arguments.model], TOKENS * arguments.batch
    torch.backends.cuda.matmul.allow_tf32 = False
    drawn = lambda *shape: torch.randn(shape, device="cuda")  # noqa: E731
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {rows} rows")
    for name, columns, depth in [("q|k|v", 3, 1), ("projection", 1, 1), ("fc1", 4, 1), ("fc2", 1, 4)]:
        columns, depth = columns * width, depth * width
        x, weight, bias, dy = drawn(rows, depth), drawn(columns, depth), drawn(columns), drawn(rows, columns)
        of = {"y": lambda: F.linear(x, weight, bias), "dx": lambda: dy @ weight, "dW": lambda: dy.t() @ x}
        times = {what: milliseconds(run) for what, run in of.items()}
        print(name, *(f"{what} {ms:.3f} ms {2e-9 * rows * columns * depth / ms:.1f} TFLOP/s" for what, ms in times.items()), sep="  ")
    q, k, v = (drawn(arguments.batch, width // 64, TOKENS, 64) for _ in range(3))
    print(f"attention  {milliseconds(lambda: F.scaled_dot_product_attention(q, k, v)):.3f} ms")


if __name__ == "__main__":
    main()
