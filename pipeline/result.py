"""What can be asked of a finished run: units, tables, the account of records, and whether it is as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputRefused
from pipeline.folder import hash_outputs, read_manifest
from pipeline.read import BUG

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart import Picture

_PARTS = ("files", "totals", "tables", "headings", "codebook", "outputs")
_COUNTS = ("read", "classified", "rejected")


@dataclass(frozen=True)
class Run:
    r"""A finished run, opened from its folder.

    Parameters
    ----------
    folder : Path or str
        The output folder of `classify`.

    Raises
    ------
    InputRefused
        By its attributes, if the folder holds no finished run.

    Examples
    --------
    >>> import pipeline, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "留言.csv")
    ...     _ = path.write_text("留言内容\n办个证跑了四趟。\n窗口推诿扯皮。\n", encoding="utf-8")
    ...     _ = pipeline.classify(path, out=Path(folder, "结果"))
    ...     run = Run(Path(folder, "结果"))
    ...     len(run.units()), run.table("frequencies").loc[0, "name"], run.manifest["totals"]["rejected"]
    ...     verify(run.folder)
    (2, '形式主义', 0)
    []
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was read, with what, and what came out: the content of `manifest.json`."""
        manifest = read_manifest(self.folder)
        if manifest is None:
            raise InputRefused(f"{self.folder} 里没有完整的运行结果：请先运行 qunyan classify 输入 -o {self.folder}")
        if not _is_whole(manifest):
            raise InputRefused(f"{self.folder}/manifest.json 已损坏或被改动：请用 qunyan classify … --force 重新运行。")
        return manifest

    def units(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the coded units, a row each, in the order of the files.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these; all when not given.
        """
        import pyarrow.parquet as pq

        _ = self.manifest
        frame: pd.DataFrame = pq.read_table(
            self.folder / "units", columns=None if columns is None else list(columns)
        ).to_pandas()
        return frame

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        paths = [Path(name) for name in self.manifest["outputs"]]
        return tuple(path.stem for path in paths if path.parts[0] == "tables" and path.suffix == ".parquet")

    def table(self, name: str, *, zh: bool = False) -> pd.DataFrame:
        """Return a table by its name.

        Parameters
        ----------
        name : str
            One of `tables`.
        zh : bool, default False
            As readers see it: Chinese headings, no ids. Otherwise all columns under their English names.

        Raises
        ------
        KeyError
            If there is no such table; the message names those there are.
        """
        import pyarrow.parquet as pq

        if name not in self.tables:
            raise KeyError(f"没有名为“{name}”的表；有：{'、'.join(self.tables)}")
        frame: pd.DataFrame = pq.read_table(self.folder / "tables" / f"{name}.parquet").to_pandas()
        headings = self.manifest["headings"][name]
        return frame[list(headings)].rename(columns=headings) if zh else frame

    def prevalence(self, labels: str | Path | Sequence[str | Path], label: str | None = None) -> pd.DataFrame:
        """Return the shares corrected for the coder's errors by an audit; nothing is written.

        Parameters
        ----------
        labels : str, Path, or sequence of them
            Sheets of `qunyan sample`, filled in; what was drawn at random counts.
        label : str, optional
            Their column of labels, where the run's model gives one label a unit.

        Returns
        -------
        DataFrame
            The table `prevalence`, as `qunyan report OUT --audit SHEET` keeps it.

        Raises
        ------
        LabelsRefused
            If the sheets cannot be read, are no random audit, or not one of this run.
        """
        from pipeline.audit import read_audit
        from pipeline.prevalence import prevalence

        names = self.manifest["codebook"]["categories"]
        paths = [Path(labels)] if isinstance(labels, (str, Path)) else list(map(Path, labels))
        return prevalence(self.folder, names, read_audit(self.folder, names, paths, label)[0]).frame

    def chart(self, name: str) -> Picture | None:
        """Draw a table; the picture shows itself in a notebook and has `save`.

        Parameters
        ----------
        name : str
            `frequencies`, `trend`, `cooccurrence`, `keywords`, `words`, one of the `by_…`; after an audit `prevalence`
            and `reliability`.

        Returns
        -------
        altair chart or None
            None where there is nothing to draw.

        Raises
        ------
        KeyError
            If there is no such table, or it has no picture.
        """
        from pipeline.chart import draw, reliability

        if name == "reliability":
            return reliability(self._checked())
        return draw(name, self.table)

    def _checked(self) -> pd.DataFrame:
        """Return the decisions that an audit has checked: `probability` as the coder gave it, and whether it is `right`."""
        from pipeline.audit import load_audit

        audit = load_audit(self.folder)
        if audit is None:
            raise KeyError(
                "还没有抽查，画不出置信度与实际正确率：请先 qunyan sample --audit units，标好后 qunyan report --audit。"
            )
        place = ["file", "location", "unit"]
        units = self.units([*place, "categories", "confidences"]).merge(audit, on=place)
        decided = units.explode(["categories", "confidences"]).dropna(subset=["confidences"])
        right = [name in true for name, true in zip(decided["categories"], decided["true_categories"], strict=True)]
        return decided.assign(probability=decided["confidences"].astype(float), right=right)[["probability", "right"]]

    @property
    def rejects(self) -> pd.DataFrame:
        """The records that were not classified, with place and reason."""
        import pandas as pd

        _ = self.manifest
        return pd.read_csv(self.folder / "rejects.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")

    @cached_property
    def bugs(self) -> list[str]:
        """The sentences on files that a bug of ours, not their own fault, kept from being read; normally none."""
        rejects = self.rejects if self.manifest["totals"]["rejected"] else None
        return [] if rejects is None else list(rejects.loc[rejects["reason"] == BUG, "message"])

    def __repr__(self) -> str:
        total = self.manifest["totals"]
        return (
            f"群言的结果 {self.folder}：{total['files']} 个文件，{total['respondents']} 位受访者，{total['units']} 句，"
            f"{total['rejected']} 条没有分类\n表：{'、'.join(self.tables)}"
        )


def _is_whole(manifest: dict[str, Any]) -> bool:
    """Whether a manifest holds what is asked of it, as a run writes it."""
    if not all(isinstance(manifest.get(name), dict) for name in _PARTS):
        return False
    counts = all(isinstance(manifest["totals"].get(name), int) for name in _COUNTS)
    return counts and all(
        isinstance(file, dict)
        and all(isinstance(file.get(name), int) for name in _COUNTS)
        and isinstance(file.get("warnings"), list)
        and isinstance(file.get("columns"), dict)
        for file in manifest["files"].values()
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """What `verify` found wrong: the file, a short kind, a sentence."""

    file: str
    kind: str
    sentence: str


def verify(folder: str | Path) -> list[Fault]:
    """Check a run against its manifest: every output's hash, and that no record was lost.

    Parameters
    ----------
    folder : str or Path
        A finished run.

    Returns
    -------
    list of Fault
        Empty if all is as it was written.

    Raises
    ------
    InputRefused
        If there is no finished run.
    """
    run = Run(Path(folder))
    wanted, have = run.manifest["outputs"], hash_outputs(run.folder)
    faults = [Fault(name, "missing", f"{name} 不见了。") for name in wanted if name not in have]
    faults += [Fault(name, "added", f"{name} 不是这次运行写的。") for name in have if name not in wanted]
    altered = [name for name in wanted if name in have and have[name] != wanted[name]]
    faults += [Fault(name, "altered", f"{name} 在运行之后被改动过。") for name in altered]
    for name, file in run.manifest["files"].items():
        if file["read"] != file["classified"] + file["rejected"]:
            faults.append(Fault(name, "account", f"{name}：读到的条数不等于分类的加上没有分类的。"))
    return sorted(faults, key=lambda fault: fault.file)
