"""Loads a checkpoint with PyTorch and compares its state dictionary with a manifest."""

import json
import sys

import torch

file, manifest = sys.argv[1:]
state = torch.load(file, map_location="cpu", weights_only=False)["state_dict"]
ours = [(n, list(t.shape), str(t.dtype).removeprefix("torch.")) for n, t in state.items()]
with open(manifest, encoding="utf-8") as f:
    entries = json.load(f)["state_dict"]
expected = [("model." + e["name"], e["shape"], e["dtype"]) for e in entries]
wrong = [pair for pair in zip(ours, expected) if pair[0] != pair[1]]
if len(ours) != len(expected) or wrong:
    sys.exit(f"{len(ours)} entries, expected {len(expected)}; first difference {wrong[:1]}")
if not all(torch.isfinite(t).all() for t in state.values()):
    sys.exit("not all values are finite")
if state["model.decoder.linear_fuse.1.num_batches_tracked"].item() != 1 << 40:
    sys.exit("the counter has another value")
print("OK", len(ours), "entries")
