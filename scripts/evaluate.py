"""Runs `nncodec research evaluate` under the name that others know."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])
runpy.run_module("codec.research.evaluate", run_name="__main__", alter_sys=True)
