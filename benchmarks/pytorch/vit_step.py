"""The script itself is packages/bench/pytorch/vit_step.py, which the package carries along; this one runs it from here."""

import pathlib
import runpy

runpy.run_path(str(pathlib.Path(__file__).parents[2] / "packages/bench/pytorch/vit_step.py"), run_name="__main__")
