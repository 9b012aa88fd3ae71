"""Opens files with PyTorch, checks their content, saves the first again.

Arguments: the file of PthTorchTest's whole content, one with weights only, the copy to make.
Prints OK as last line when every check passed.
"""

import sys
from collections import OrderedDict

import torch

source, weights, copy = sys.argv[1:4]


def check_weights(root):
    state = root["state_dict"]
    assert isinstance(state, OrderedDict) and list(state) == ["weight", "bias", "steps", "none"]
    assert state["weight"].dtype == torch.float32 and state["weight"].shape == (2, 3)
    assert state["weight"].tolist() == [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]
    assert not state["weight"].requires_grad and state["weight"].is_contiguous()
    assert state["steps"].dtype == torch.int64 and state["steps"].shape == ()
    assert state["steps"].item() == 12
    assert state["none"].shape == (0, 4)

    expected = {
        "float64": [0.1, -1e300], "float32": [0.25, -2.0], "float16": [1.0, -2.0],
        "bfloat16": [1.0, -2.0], "int64": [2**62, -1], "int32": [7, -8], "int16": [300, -300],
        "int8": [127, -128], "uint8": [0, 255], "bool": [True, False],
    }
    assert list(root["types"]) == list(expected)
    for name, values in expected.items():
        tensor = root["types"][name]
        assert tensor.dtype == getattr(torch, name) and tensor.tolist() == values, name


def check_all(root):
    check_weights(root)
    assert list(root) == [
        "epoch", "big", "negative", "rate", "name", "flag", "nothing", "list", "tuple",
        "betas", "state_dict", "types", "shared", "optimizer_states",
    ], list(root)
    assert root["epoch"] == 7 and root["big"] == 2**70 and root["negative"] == -(2**40)
    assert root["rate"] == 1e-4 and root["name"] == "Änderung" and root["flag"] is True
    assert root["nothing"] is None
    assert root["list"] == [1, 255, 256, 65535, 65536, -1, [], {}]
    assert root["tuple"] == (1, "x", 2.5, None, ()) and isinstance(root["tuple"], tuple)
    assert root["betas"] == (0.9, 0.999)

    row, transposed = root["shared"]
    assert row.storage().data_ptr() == transposed.storage().data_ptr()
    assert transposed.tolist() == [[0.0, 2.0], [1.0, 3.0]] and row.tolist() == [2.0, 3.0]

    linear = torch.nn.Linear(3, 2)
    linear.load_state_dict({k: root["state_dict"][k] for k in ("weight", "bias")})
    optimizer = torch.optim.AdamW(linear.parameters(), lr=1.0)
    optimizer.load_state_dict(root["optimizer_states"][0])
    assert optimizer.param_groups[0]["lr"] == 1e-4
    moments = optimizer.state[linear.weight]
    assert moments["step"].item() == 3.0
    assert moments["exp_avg"].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    before = linear.weight.clone()
    linear(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert moments["step"].item() == 4.0
    assert not torch.equal(before, linear.weight)


check_weights(torch.load(weights, weights_only=True))
check_all(torch.load(source))
# The safe unpickler of PyTorch 1.13 knows no floating-point numbers, not even in its own files.
if int(torch.__version__.split(".")[0]) >= 2:
    check_all(torch.load(source, weights_only=True))

# Loaded anew because the optimizer step above changed its moments in place.
torch.save(torch.load(source), copy)
print("torch", torch.__version__)
print("OK")
