"""What torch and oneDNN keep of products of ever new shapes has an end."""

import subprocess
import sys

import pytest

_ROOM_MB = 30.0
"""Without a limit four hundred more shapes take 0.29 MB each."""

_PROGRAM = """
from app.allocation import return_what_is_free, save_memory
save_memory()
import torch
from mpm_core.networks.packing import PackedLinear

def held():
    return_what_is_free()
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

layer = PackedLinear(torch.nn.Linear(256, 512))
with torch.inference_mode():
    for rows in range(8, 608):
        if rows == 208:
            early = held()
        layer(torch.zeros(rows, 256))
print(held() - early)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_products_of_new_shapes_take_no_more_memory_for_ever(monkeypatch):
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        monkeypatch.delenv(name, raising=False)
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < _ROOM_MB
