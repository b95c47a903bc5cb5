"""Parts for a task or a column type of a team's own: tasks/<name>.py, columns/<name>.py.

A column type is a class of `Column`: `Check` and `FormField` are what its methods return, and
`NoFeature` is how `propose` refuses a column. A task is a class of `Task` and one of
`TaskTraining`: `Ready` describes its ready models, `LeakProbe` is what `leak_probe` returns. The
service imports these files too: nothing here imports numpy or pandas.
"""

from seedling.columns.protocol import Check, Column, FormField, NoFeature
from seedling.scaffold.ready_models import Ready
from seedling.tasks.protocol import Task
from seedling.tasks.training_protocol import LeakProbe, TaskTraining

__all__ = [
    "Check",
    "Column",
    "FormField",
    "LeakProbe",
    "NoFeature",
    "Ready",
    "Task",
    "TaskTraining",
]
