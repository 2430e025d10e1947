"""A folder in which the product works as it does in its repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
_STORE = Path(".mlzone/synth")


def equip(folder: Path, *names: str) -> None:
    """Link parts of the repository into a folder, and its store of synthesized stacks.

    A stack that another test has needed is not synthesized again, as for a user of the repository.
    """
    for name in names:
        (folder / name).symlink_to(ROOT / name)
    (ROOT / _STORE).mkdir(parents=True, exist_ok=True)
    (folder / _STORE).parent.mkdir()
    (folder / _STORE).symlink_to(ROOT / _STORE)
