"""``python -m bench [NAME]...``: one table of ratios of this run, from every module here with ``rows``."""

import importlib
import pkgutil
import sys

import bench

for module in pkgutil.iter_modules(bench.__path__):
    if module.name == "__main__" or (sys.argv[1:] and module.name not in sys.argv[1:]):
        continue
    rows = getattr(importlib.import_module(f"bench.{module.name}"), "rows", None)
    for what, ratio, note in rows() if rows else ():
        print(f"{what:44} {ratio:8.2f}  {note}", flush=True)
