"""Run scripts: a base script in sections, completed for a job, and the files beside it.

A run folder has the base script `train.py`, `<experiment>.yml` and `azure-compute-config.json`.
`completed` reads the first; `experiment.read` and `compute.read` the others.
"""

from seedling.run_scripts.building import Completed, completed
from seedling.run_scripts.sections import SECTIONS, Origin

__all__ = ["SECTIONS", "Completed", "Origin", "completed"]
