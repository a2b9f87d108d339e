"""Makes a small run with groups and dates, its tables and its pictures, for the tests of what readers get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stored_runs import NAMES, store, unit

from pipeline.report.pictures import Figure, draw_figures
from pipeline.tables import Table
from pipeline.tabulate import tabulate

TOTALS: dict[str, str | int] = {"文件": 1, "读到的记录": 80, "分类的记录": 78, "没有分类的记录": 2}
HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=alert(1)>\x00&amp;'\"{{7*7}}"


def survey(folder: Path, people: int = 60, **other: Any) -> Path:
    """Store a run of so many respondents: the first half from 一科 in 2024-01, the others from 二科 in 2024-02."""
    units = []
    for number in range(people):
        first = number < people // 2
        own = {"单位": "一科" if first else "二科", "日期": f"2024-0{1 if first else 2}-10"}
        name = f"居民{number:03d}"
        if first or number % 6 == 0:
            units.append(
                unit(name, "p", "resources", f"人手不够，{number}号窗口常常没人", words=["人手", "不够"], **own)
            )
        if number % 2:
            units.append(unit(name, "p", "service_gap", f"办个证跑了{number}趟", words=["办证", "跑", "不方便"], **own))
        if number % 3 == 0:
            units.append(unit(name, "s", "service_gap", f"建议第{number}个窗口中午不休息", words=["建议"], **own))
        if number % 5 == 0:
            units.append(unit(name, "g", "service_gap", f"{number}号大厅快多了", words=["快"], **own))
        units.append(unit(name, "n", "", "我住在这里", words=["住"], **own))
    for place, row in enumerate(units):
        row |= {"location": f"第{place + 1}段", **other}
    return store(folder, units)


def tables_of(folder: Path) -> list[Table]:
    """Return the tables of a run of `survey`."""
    return tabulate(folder, NAMES, by=["单位"], date="日期")


def made(folder: Path, people: int = 60, **other: Any) -> tuple[Path, list[Table], list[Figure]]:
    """Return a run with its tables and pictures."""
    tables = tables_of(survey(folder, people, **other))
    return folder, tables, draw_figures(tables)
