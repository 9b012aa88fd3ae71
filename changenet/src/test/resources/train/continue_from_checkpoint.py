"""Continues from checkpoints (AdamW, Adam, SGD; the last with steps) with PyTorch's own classes."""
import sys

import torch

KINDS = [
    (torch.optim.AdamW, {}, "exp_avg"),
    (torch.optim.Adam, {}, "exp_avg"),
    (torch.optim.SGD, {"momentum": 0.9}, "momentum_buffer"),
]
for path, (kind, options, slot) in zip(sys.argv[1:], KINDS):
    checkpoint = torch.load(path, map_location="cpu")
    state = checkpoint["state_dict"]
    assert checkpoint["epoch"] == 4 and checkpoint["global_step"] == 35
    assert checkpoint["tao_model"] == "visual_changenet_segment"
    assert all(k.startswith(("model.backbone.", "model.decoder.")) for k in state), list(state)[:3]
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    parameters = [
        torch.nn.Parameter(t.clone()) for k, t in state.items() if not k.endswith(buffers)
    ]
    assert state["model.backbone.blocks.0.mlp.mlp_v.dwconv.bn.num_batches_tracked"].dtype == torch.int64
    optimizer = kind(parameters, lr=1.0, **options)
    optimizer.load_state_dict(checkpoint["optimizer_states"][0])
    group = optimizer.param_groups[0]
    assert group["lr"] == 0.25 and group["weight_decay"] == 0.05 and group["initial_lr"] == 0.5
    stored = checkpoint["optimizer_states"][0]["state"]
    assert sorted(stored) == list(range(0, len(parameters), 2))
    assert torch.equal(optimizer.state[parameters[0]][slot], stored[0][slot])
    if kind is torch.optim.SGD:
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 99)
    else:
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 1.0 - e / 11.0)
    schedule.load_state_dict(checkpoint["lr_schedulers"][0])
    assert schedule.last_epoch == 5 and schedule.base_lrs == [0.5]
    before = [p.detach().clone() for p in parameters]
    for p in parameters:
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert all(not torch.equal(a, b) for a, b in zip(before, parameters))
    assert all(torch.isfinite(p).all() for p in parameters)
    if "step" in stored[0]:
        assert float(optimizer.state[parameters[0]]["step"]) == 6
        assert float(optimizer.state[parameters[1]]["step"]) == 1
    schedule.step()
    if kind is torch.optim.SGD:
        assert schedule.step_size == 3 and schedule.gamma == 0.1
    else:
        assert abs(group["lr"] - 0.5 * (1 - 6 / 11)) < 1e-12, group["lr"]
    # The key of Lightning's plugin; its scaler compares and takes over the state by name.
    scaling = checkpoint["MixedPrecision"]
    if hasattr(torch.amp, "GradScaler"):
        scaler = torch.amp.GradScaler("cpu")
        assert scaler.state_dict() == scaling, (scaler.state_dict(), scaling)
        scaler.load_state_dict({**scaling, "scale": 8.0, "_growth_tracker": 3})
        assert scaler.get_scale() == 8.0 and scaler.state_dict()["_growth_tracker"] == 3
    assert list(scaling) == [
        "scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker"
    ]
    print(kind.__name__, type(schedule).__name__, "OK")
