"""What of the project goes to Azure ML with a job."""

import shutil
from pathlib import Path

from seedling.azure import snapshot
from seedling.config import Project
from seedling.testing import root


def test_the_code_goes_and_what_is_only_here_stays(project: Project, tmp_path: Path) -> None:
    for name in (".env", "team.py", "local_assets/datasets/rows.parquet", "large/rows.csv"):
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (project.root / ".amlignore").write_text("# Not code.\nlarge/\n*.png\n")
    for name in ("venv", ".venv"):
        (project.root / name).mkdir()
        (project.root / name / "pyvenv.cfg").touch()
    shutil.copytree(root() / "internal", project.root / "internal")
    (project.root / "mlops" / "__pycache__").mkdir()
    here = {path.name for path in project.root.iterdir()}
    taken = snapshot.take(project, tmp_path / "scratch")
    there = {path.name for path in taken.iterdir()}
    assert here - there == {".dockerignore", ".env", ".venv", "large", "local_assets", "venv"}
    assert (taken / "team.py").read_text() == "team.py"
    assert (taken / "internal" / "seedling" / "azure" / "snapshot.py").exists()
    assert not (taken / "mlops" / "__pycache__").exists()
