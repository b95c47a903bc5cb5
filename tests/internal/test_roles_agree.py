"""Whatever is promoted, retired, rolled back and shared in any order, all say the same of it."""

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.lifecycle import promotion, rollback
from seedling.registry import audit, traffic
from seedling.registry.open import open_registry
from seedling.testing import first_model

VERSIONS = st.sampled_from(["1", "2", "3", "9"])  # there is no 9
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("share"), VERSIONS, st.sampled_from([0.0, 0.3, 0.8])),
        st.tuples(st.just("shadow"), VERSIONS),
        st.tuples(st.just("retire"), VERSIONS),
        st.tuples(st.just("promote"), VERSIONS),
        st.tuples(st.just("rollback")),
        st.tuples(st.just("rollback")),
        st.tuples(st.just("spoil"), st.sampled_from(["1", "2"])),
    ),
    min_size=4,
    max_size=14,
)
KEPT = ("models/registered.yaml", "models/audit.jsonl", "mlflow.db")


class Expected:
    """The roles as a person would keep them with paper and pencil."""

    def __init__(self) -> None:
        self.past = ["1"]  # champions, the present one last
        self.beside: dict[str, float | str] = {}
        self.spoiled: set[str] = set()

    def after(self, action: str, version: str = "", share: float = 0.0) -> bool:
        """Take a step; return whether it is one that is to be refused."""
        champion = self.past[-1]
        if action == "rollback":
            version = self.past[-2] if len(self.past) > 1 else champion
        known = version in ("1", "2", "3")
        if action == "retire":
            return self.beside.pop(version, None) is None
        if version == champion and action == "promote":
            return False  # nothing is done
        if version == champion or not known:
            return True
        if action in ("promote", "rollback"):
            if version in self.spoiled:
                return True
            self.beside.pop(version, None)
            self.past = self.past[:-1] if action == "rollback" else [*self.past, version]
            return False
        others = sum(
            role for other, role in self.beside.items() if other != version and role != "shadow"
        )
        if action == "share" and others + share > 1:
            return True
        self.beside[version] = "shadow" if action == "shadow" else share
        return False


def take(project: Project, model: str, action: str, version: str = "", share: float = 0.0) -> None:
    if action == "rollback":
        rollback.roll_back(project, model, None, "")
    elif action == "promote":
        traffic.promote(project, model, version, why="because")
    elif action == "retire":
        promotion.retire(project, model, version, "")
    else:
        traffic.assign(
            project, model, version, None if action == "shadow" else share, action == "shadow"
        )


def test_alias_registrations_and_audit_agree_after_any_steps(
    two_versions: Project, tmp_path: Path
) -> None:
    project, model = two_versions, first_model(two_versions)
    name = traffic.champion_of(project, model).name
    third = tmp_path / "third"
    shutil.copytree(project.models_folder / name / "2", third)
    write_text(third / "note.txt", "and another hash")
    registry = open_registry(project)
    registry.register(name, third, {})
    registry.set_champion(name, "1")
    for path in KEPT:
        shutil.copy(project.assets / path, tmp_path / Path(path).name)

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(STEPS)
    def agree(steps: list[tuple[str, ...]]) -> None:
        for path in KEPT:
            shutil.copy(tmp_path / Path(path).name, project.assets / path)
        spoilt = [project.models_folder / name / version / "spoilt" for version in ("1", "2")]
        for path in spoilt:
            path.unlink(missing_ok=True)
        expected = Expected()
        for step in steps:
            project.forget_what_was_read()
            lines = len(audit.entries(project))
            before = {expected.past[-1]: "champion", **expected.beside}
            if step[0] == "spoil":
                write_text(project.models_folder / name / step[1] / "spoilt", "x")
                expected.spoiled.add(step[1])
                continue
            refused = expected.after(*step)  # type: ignore[arg-type]
            try:
                take(project, model, *step)  # type: ignore[arg-type]
            except ProjectError:
                assert refused, step
            else:
                assert not refused, step
            roles = {expected.past[-1]: "champion", **expected.beside}
            found = Project(project.root)
            entries = [entry for entry in found.config.models if entry.model == model]
            assert {entry.version: audit.role_of(entry) for entry in entries} == roles
            alias = registry.champion(name)
            assert alias is not None
            assert alias.version == expected.past[-1]
            noted = audit.entries(found)
            assert noted[-1].roles == roles or len(noted) == 1
            idle = step[0] == "promote" and roles == before  # it was the champion
            assert len(noted) == lines + (not refused and not idle)
            assert audit.faults(found) == audit.changed_by_hand(found) == []

    agree()
