"""Tell what a CI system does not see: the files of a project in a folder of a larger repository."""

from pathlib import Path

GITHUB, AZURE_DEVOPS = "github", "azure_devops"


def remark(root: Path, part: str) -> str:
    """Return the words about a part's CI files, where the project is not a repository of its own.

    Args:
        root: the project's folder.
        part: the part that was added.

    Returns:
        One line; empty for another part, and where no repository, or the project's own, is found.
    """
    root = root.resolve()
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    if part not in (GITHUB, AZURE_DEVOPS) or top == root:
        return ""
    here = root.relative_to(top).as_posix()
    if part == GITHUB:
        return (
            f"GitHub reads workflows at the root of a repository only, and this project is its "
            f"folder {here}/: move {here}/.github/workflows/ there, each file under a name of its "
            f"own, and add `defaults: {{run: {{working-directory: {here}}}}}` and "
            f"`cache-dependency-path: {here}/constraints.txt`."
        )
    return (
        f"Pipelines start at the root of a repository, and this project is its folder {here}/: "
        f"create them from {here}/.pipelines/, and add `workingDirectory: {here}` to each script."
    )
