"""Memory that a step frees is there for the next one."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, sys, torch
from headway.base.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for step in range(12):
    if step == 2:
        begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = torch.ones(12_000_000)
    y = x + 1
    del x, y
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - begun)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_freed_memory_is_used_again():
    def faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("keep") < 0.5 * faults("return")  # not zero: a system may take idle pages away
