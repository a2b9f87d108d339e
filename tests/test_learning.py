"""Training on people's labels, through the rooms and through the command: what goes in, what comes out, what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipeline
from pipeline import card, grade, review, semantic, teach
from pipeline.agree import ac1, agreements, alpha, compare, write_disagreements
from pipeline.calibration import calibrate, temperature
from pipeline.codebook import load, of_labels
from pipeline.curve import outlook
from pipeline.errors import LabelsRefused, ModelRefused, OutputRefused, QunyanError
from pipeline.figures import Judged, difference, figures, verdict
from pipeline.fitting import Task, folds, out_of_fold
from pipeline.labels import AUDIT, LabelOptions, Labels, deduplicated, joined_groups, read_labels
from pipeline.model import LinearModel
from pipeline.recipes import Recipe
from pipeline.train import learn, task_of

PLACES = ("村口", "镇上", "学校门口", "小区", "医院", "单位", "河边", "市场", "车站", "广场")
SAYINGS = {
    "交通": ("公交车等了半小时不来", "路上坑太多骑车摔了", "红绿灯坏了没人修", "停车位不够天天抢", "站台没有遮雨棚"),
    "教育": ("老师一个班管六十个孩子", "孩子上学要走五里路", "课本到现在没发下来", "食堂饭菜不干净", "作业多到十一点"),
    "环保": ("河水发黑臭得很", "工厂半夜冒黑烟", "垃圾三天没人拉", "施工噪音吵得睡不着", "树都砍光了尘土大"),
}


def rows() -> list[dict[str, str]]:
    """150 rows of three departments, synthetic, no two texts equal."""
    return [
        {"内容": f"{place}{saying}", "部门": label, "姓名": f"{place}{label}{at}"}
        for label, sayings in SAYINGS.items()
        for at, saying in enumerate(sayings)
        for place in PLACES
    ]


def write(path: Path, table: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in table for key in row)))
        writer.writeheader()
        writer.writerows(table)
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("labels") / "部门.csv", rows())


@pytest.fixture(scope="module")
def model(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "部门"
    teach.teach([labelled], folder, WISH)
    return folder


WISH = teach.Wish(LabelOptions(label="部门"), semantic=False)


# Label mode


def test_a_model_of_own_labels_is_good_and_codes_like_any_other(model: Path) -> None:
    found = json.loads((model / "card.json").read_text("utf-8"))
    assert found["macro_f1"] > 0.9
    assert {"accuracy", "macro_f1", "micro_f1", "per_category", "ece", "n", "curve", "reliability"} <= set(found)
    coded = pipeline.Coder.load(model).code(["河里的水又黑又臭。建议加开公交车。"])
    assert [list(found) for found in coded["categories"]] == [["环保"], ["交通"]]
    assert coded["statement"].iloc[1] == "suggestion"
    assert all(len(found) == 1 for found in pipeline.Coder.load(model).code(["今天天气不错"])["categories"])


def test_scores_of_a_loaded_model_are_those_of_the_coder(model: Path) -> None:
    learnt, book = grade.open_model(model)
    from pipeline.coder import CoderSpec, build

    text = "河水发黑臭得很"
    scores, _ = learnt.scores(grade.cuts_of([text], book), [text])
    coder = build(CoderSpec(model))
    assert [coder.score(text, label) for label in book.ids] == pytest.approx(scores[0].tolist(), abs=1e-4)  # type: ignore[attr-defined]


@pytest.mark.skipif(not semantic.available(), reason="sentence embeddings are not installed")
def test_with_embeddings_the_cues_still_tell_the_statement(labelled: Path) -> None:
    labels, texts = read_labels([labelled], None, LabelOptions(label="部门")), ["建议加开公交车", "河水为什么还发黑？"]
    trained, plain = (learn(labels, use_semantic=use) for use in (True, False))
    ours, theirs = (one.model.scores(grade.cuts_of(texts, one.codebook), texts)[1] for one in (trained, plain))
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert trained.model.statements.labels[int(ours[0].argmax())] == "suggestion"
    assert any("句向量" in recipe for recipe in trained.tried)


def test_a_part_of_many_is_trained_as_the_whole() -> None:
    task = replace(small_task(), part_of_many=True)
    assert small_task().small
    assert not task.small
    assert not task.part(np.arange(30)).small
    assert small_task().part(np.arange(30)).small


def test_the_run_uses_the_models_own_names(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("受访者：河水发黑。公交车不来。", encoding="utf-8")
    run = pipeline.classify(tmp_path / "a.txt", out=tmp_path / "out", model=model)
    assert set(run.table("frequencies")["category"]) >= {"环保", "交通"}


def test_equal_input_gives_an_equal_model(labelled: Path, tmp_path: Path, model: Path) -> None:
    teach.teach([labelled], tmp_path / "m", WISH)
    for name in ("arrays.npz", "model.json", "card.json", "codebook.json"):
        assert (tmp_path / "m" / name).read_bytes() == (model / name).read_bytes(), name


def test_a_model_is_never_overwritten_in_silence(labelled: Path, model: Path, tmp_path: Path) -> None:
    before = (model / "arrays.npz").read_bytes()
    with pytest.raises(OutputRefused, match="--force"):
        teach.teach([labelled], model, WISH)
    (tmp_path / "照片").mkdir()
    (tmp_path / "照片" / "a.jpg").write_bytes(b"x")
    with pytest.raises(OutputRefused, match="不是模型"):
        card.may_write(tmp_path / "照片", force=True)
    assert (model / "arrays.npz").read_bytes() == before


def test_the_old_model_stays_when_training_is_refused(model: Path, tmp_path: Path) -> None:
    before = sorted((path.name, path.read_bytes()) for path in model.iterdir())
    bad = write(tmp_path / "一类.csv", [row | {"部门": "交通"} for row in rows()])
    with pytest.raises(LabelsRefused):
        teach.teach([bad], model, teach.Wish(LabelOptions(label="部门"), force=True))
    assert sorted((path.name, path.read_bytes()) for path in model.iterdir()) == before
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_evaluate_says_what_a_model_has_seen_and_never_learnt(model: Path, labelled: Path, tmp_path: Path) -> None:
    learnt, book = grade.open_model(model)
    found = grade.evaluate(learnt, book, [labelled], LabelOptions(label="部门"))
    assert (found["n"], found["seen"], "unseen" in found) == (150, 150, False)
    assert any("训练时见过" in warning for warning in found["warnings"])
    wrong = {"内容": "公交车太少", "部门": "教育"}
    mixed = write(tmp_path / "混.csv", [*rows()[:40], *rows()[60:100], *rows()[120:130], wrong])
    found = grade.evaluate(learnt, book, [mixed], LabelOptions(label="部门"))
    assert (found["n"], found["seen"], found["unseen"]["n"]) == (91, 90, 1)
    assert found["accuracy"] > 0.9
    assert found["unseen"]["accuracy"] == 0
    assert any("91 行里有 90 行是训练时见过" in warning for warning in found["warnings"])
    new = write(tmp_path / "新.csv", [{"内容": "公交车太少", "部门": "交通"}, {"内容": "菜太贵", "部门": "物价"}])
    found = grade.evaluate(learnt, book, [new], LabelOptions(label="部门"))
    assert found["accuracy"] == 0.5
    assert found["per_category"]["物价"]["recall"] == 0
    assert any("没学过" in warning for warning in found["warnings"])
    with pytest.raises(LabelsRefused, match="--label"):
        grade.evaluate(learnt, book, [new], LabelOptions())


def test_the_built_in_sample_counts_as_seen(tmp_path: Path, root: Path) -> None:
    model, book = grade.open_model(None)
    known = (root / "data" / "labelled" / "villages.csv").read_text("utf-8-sig").splitlines()[:51]
    (tmp_path / "混.csv").write_text("\n".join([*known, "谁也没有写过的一句话七九八,neutral,无,,"]), "utf-8")
    found = grade.evaluate(model, book, [tmp_path / "混.csv"], LabelOptions())
    assert (found["n"], found["seen"], found["unseen"]["n"]) == (51, 50, 1)


def test_a_baseline_is_compared_on_units_it_has_not_seen(model: Path, labelled: Path) -> None:
    trained = learn(read_labels([labelled], None, LabelOptions(label="部门")), use_semantic=False)
    with pytest.raises(LabelsRefused, match="见过"):
        grade.against(card.judged(trained), trained.labels, trained.codebook, model)
    other = trained.labels.take(range(150))
    changed = Labels(tuple(f"{text}啊" for text in other.texts), other.statements, other.categories, other.groups)
    again = learn(changed, use_semantic=False)
    gap = grade.against(card.judged(again), again.labels, again.codebook, model)
    assert gap["n"] == 150
    assert gap["verdict"] in ("better", "worse", "no difference")


# Refusals


def label_all(value: Callable[[int], str]) -> list[dict[str, str]]:
    return [row | {"部门": value(at)} for at, row in enumerate(rows())]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (label_all(lambda at: "交通"), "至少要有两种标签"),
        (label_all(lambda at: ""), "没有一行有标注"),
        ([{"内容": row["内容"]} for row in rows()], "没有“部门”这一列"),
        (rows()[:3], "至少要"),
        ([row | {"内容": ""} for row in rows()], "没有一行文字"),
        ([row | {"姓名": "同一人"} for row in rows()], "同一位"),
    ],
    ids=["one class", "no labels", "no column", "three rows", "no text", "one respondent"],
)
def test_labels_that_teach_nothing_are_refused_in_a_sentence(
    table: list[dict[str, str]], words: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "坏.csv", table)
    with pytest.raises(QunyanError, match=words):
        teach.teach([path], tmp_path / "m", WISH)
    assert not (tmp_path / "m").exists()


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "空.csv").write_bytes(b"")
    with pytest.raises(QunyanError, match=r"空\.csv"):
        teach.teach([tmp_path / "空.csv"], tmp_path / "m", WISH)
    with pytest.raises(QunyanError, match="找不到"):
        teach.teach([tmp_path / "没有.csv"], tmp_path / "m", WISH)


def test_what_a_clerk_did_to_labels_is_mended_or_said(tmp_path: Path) -> None:
    table = rows()
    table[0]["部门"] = " 交通　"
    table[1]["部门"] = "ＡＰＰ"
    table[2]["部门"] = "app"
    table += [dict(table[5])] * 1000 + [table[6] | {"部门": "环保"}] + [table[7] | {"内容": " "}]
    labels = deduplicated(read_labels([write(tmp_path / "乱.csv", table)], None, LabelOptions(label="部门")))
    said = "\n".join(labels.warnings)
    assert labels.categories[0] == ("交通",)
    assert len(labels) == 151
    assert "1000 行与前面的行文字和标注都相同" in said
    assert "标了不同的标签" in said
    assert "第8行" in said  # the row of the first of the two, as Excel counts
    assert "是空白" in said
    assert "只差大小写" in said


def test_formulas_and_html_as_labels_are_only_words(tmp_path: Path) -> None:
    names = {"交通": "=1+1", "教育": "<script>alert(1)</script>", "环保": "@SUM(A1)|x"}
    table = [row | {"部门": names[row["部门"]]} for row in rows()]
    found = teach.teach([write(tmp_path / "坏.csv", table)], tmp_path / "m", WISH)
    assert set(found["per_category"]) == set(names.values())
    assert "<script>" not in (tmp_path / "m" / "card.md").read_text("utf-8")
    assert grade.open_model(tmp_path / "m")[1].ids == tuple(sorted(names.values()))


def test_ten_rows_are_trained_on_with_a_warning(tmp_path: Path) -> None:
    table = [row for row in rows() if row["部门"] != "环保"][::10]
    found = teach.teach([write(tmp_path / "少.csv", table)], tmp_path / "m", WISH)
    assert found["units"] == 10
    assert any("结果不可靠" in warning for warning in found["warnings"])


def test_five_hundred_classes_of_two_rows(tmp_path: Path) -> None:
    table = [{"内容": f"第{k}类的第{j}句话，编号{k * 7}", "部门": f"类{k}"} for k in range(500) for j in range(2)]
    labels = read_labels([write(tmp_path / "多.csv", table)], None, LabelOptions(label="部门"))
    trained = learn(labels, use_semantic=False)
    assert len(trained.model.categories.labels) == 500
    assert "等 500 类" in trained.warnings[-1]


# Codebook mode


def test_unknown_categories_are_named_with_their_cells(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "标.xlsx")) as book:
        sheet = book.add_worksheet("标注")
        for row, cells in enumerate(
            [("文本", "表述类型", "类别"), ("办证难", "问题", "官样文章"), ("路不好", "毛病", "民生诉求")]
        ):
            sheet.write_row(row, 0, cells)
    with pytest.raises(LabelsRefused, match=r"(?s)标注!C2.*官样文章.*标注!B3.*毛病"):
        read_labels([tmp_path / "标.xlsx"], load())


@pytest.mark.parametrize(
    ("cells", "statement", "categories"),
    [
        ({"表述类型": "问题", "类别": "形式主义；保障不足"}, "problem", ("formalism", "resources")),
        ({"statement": "praise ", "categories": "无"}, "praise", ()),
        (
            {"表述类型": "建议", "主类别": "民生诉求", "形式主义": "✓", "保障不足": "0"},
            "suggestion",
            ("formalism", "livelihood"),
        ),
        ({"表述类型": "陈述", "形式主义": "", "保障不足": ""}, "neutral", ()),
        ({"类别": "livelihood"}, "", ("livelihood",)),
    ],
)
def test_the_ways_to_write_a_label(
    cells: dict[str, str], statement: str, categories: tuple[str, ...], tmp_path: Path
) -> None:
    labels = read_labels([write(tmp_path / "标.csv", [{"文本": "一句话"} | cells])], load())
    assert (labels.statements, labels.categories) == ((statement,), (categories,))


def test_an_empty_category_cell_means_not_labelled(tmp_path: Path) -> None:
    table = [
        {"文本": "甲", "statement": "problem", "categories": ""},
        {"文本": "乙", "statement": "problem", "categories": "无"},
    ]
    labels = read_labels([write(tmp_path / "标.csv", table)], load())
    assert labels.texts == ("乙",)
    assert "还没有标注" in labels.warnings[0]


# Folds, calibration, figures


def small_task() -> Task:
    texts = tuple(row["内容"] for row in rows())
    labels = Labels(
        texts, ("",) * 150, tuple((row["部门"],) for row in rows()), tuple(row["姓名"][:4] for row in rows())
    )
    return task_of(labels, of_labels(SAYINGS), exclusive=True)


def test_groups_and_equal_texts_stay_on_one_side() -> None:
    task = small_task()
    for test in folds(task):
        rest = np.setdiff1d(np.arange(len(task.groups)), test)
        assert not set(task.groups[test]) & set(task.groups[rest])
    labels = Labels(("a", "b", "a ", "c"), ("",) * 4, ((),) * 4, ("1", "2", "3", "2"))
    assert joined_groups(labels).tolist() == [0, 1, 0, 1]


def test_out_of_fold_scores_are_really_out_of_fold() -> None:
    task = small_task()
    noise = np.random.default_rng(0).permutation(task.categories)
    found = out_of_fold(Task(task.cuts, noise, task.statements, task.groups, task.labels, True), Recipe(1.0))
    assert (found.categories.argmax(1) == noise.argmax(1)).mean() < 0.55


def test_probabilities_are_calibrated() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 3, 3000)
    scores = draw.normal(size=(3000, 3)) + 1.5 * np.eye(3)[truth]
    assert temperature(scores.astype(np.float32), truth) == pytest.approx(1 / 1.5, rel=0.1)
    several = np.eye(3, dtype=bool)[truth]
    head = calibrate(("a", "b", "c"), scores.astype(np.float32), several, exclusive=False)
    assert head.probabilities(scores).mean(axis=0) == pytest.approx(several.mean(axis=0), abs=0.01)


def test_figures_are_those_of_the_library() -> None:
    from sklearn.metrics import f1_score

    draw = np.random.default_rng(1)
    truth, decided = draw.random((200, 4)) < 0.4, draw.random((200, 4)) < 0.5
    judged = Judged(truth, np.where(decided, 0.8, 0.2), decided, np.arange(200), False)
    found = figures(judged, dict(zip("abcd", "甲乙丙丁", strict=True)))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, decided, average="macro"), abs=1e-4)
    assert found["micro_f1"] == pytest.approx(f1_score(truth, decided, average="micro"), abs=1e-4)
    low, high = found["intervals"]["macro_f1"]
    assert low < found["macro_f1"] < high
    better = Judged(truth, truth * 1.0, truth, np.arange(200), False)
    assert verdict(difference(better, judged)) == "better"
    assert verdict(difference(judged, better)) == "worse"
    assert verdict(difference(judged, judged)) == "no difference"
    assert found["accept"]["share"] < 0.2
    assert figures(better, dict(zip("abcd", "甲乙丙丁", strict=True)))["accept"]["share"] == 1.0


def test_the_curve_says_when_more_labels_do_not_help() -> None:
    flat = [{"units": n, "macro_f1": 0.9} for n in (100, 200, 400)]
    assert not outlook(flat, 400)["helps"]


# Models of other kinds


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.json", b"{", "不是模型文件夹"),
        ("model.json", b"[]", "格式"),
        ("model.json", b'{"format": 99}', "99"),
        ("arrays.npz", b"PK", "损坏"),
        ("codebook.json", b"[]", "编码手册"),
        ("codebook.json", b"{", "损坏"),
    ],
)
def test_a_damaged_or_foreign_model_is_refused(
    name: str, content: bytes, words: str, model: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(model, tmp_path / "m")
    (tmp_path / "m" / name).write_bytes(content)
    with pytest.raises(ModelRefused, match=words):
        grade.open_model(tmp_path / "m")


def test_a_model_with_objects_inside_is_refused(model: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(model, tmp_path / "m")
    np.savez(tmp_path / "m" / "arrays.npz", gram_idf=np.asarray([{}], dtype=object))
    with pytest.raises(ModelRefused):
        LinearModel.load(tmp_path / "m")


# Agreement


def test_agreement_and_the_sheet_to_settle(tmp_path: Path) -> None:
    ours = [{"文本": f"第{n}句", "表述类型": "问题", "类别": "形式主义" if n % 2 else "无"} for n in range(20)]
    theirs = [row | ({"类别": "民生诉求"} if n < 4 else {}) for n, row in enumerate(reversed(ours))]
    paths = [write(tmp_path / "甲.csv", ours), write(tmp_path / "乙.csv", theirs)]
    comparison = compare(paths, load())
    found = {row.label: row for row in agreements(comparison)}
    assert found["formalism"].percent == pytest.approx(0.9)
    assert found["formalism"].low < found["formalism"].alpha < found["formalism"].high
    assert np.isnan(found["statement"].alpha)
    assert "无法判断" in found["statement"].reading
    assert write_disagreements(comparison, tmp_path / "待定.xlsx") == 4
    settled = read_labels([tmp_path / "待定.xlsx"], load())
    assert len(settled) == 16
    assert set(settled.ids) == set(comparison.keys[:16]) | set(settled.ids)
    with pytest.raises(OutputRefused):
        write_disagreements(comparison, tmp_path / "待定.xlsx")


def test_agreement_needs_two_sheets_of_the_same_units(tmp_path: Path) -> None:
    one = write(tmp_path / "甲.csv", [{"文本": "甲", "类别": "无"}])
    with pytest.raises(LabelsRefused, match="至少两位"):
        compare([one], load())
    with pytest.raises(LabelsRefused, match="没有一句"):
        compare([one, write(tmp_path / "乙.csv", [{"文本": "乙", "类别": "无"}])], load())


def test_a_lost_column_of_ids_is_said(tmp_path: Path) -> None:
    from pipeline.labelsheet import Item, write_sheet

    items = [Item(f"q{n:015d}", f"第{n}句", statement="problem", categories=("formalism",)) for n in range(12)]
    paths = [write_sheet(tmp_path / f"{name}.xlsx", items, load()) for name in ("甲", "乙")]
    assert compare(paths, load()).warnings == ()
    from openpyxl import load_workbook

    book = load_workbook(paths[1])
    book["标注"].delete_cols(1)
    book.save(paths[1])
    found = compare(paths, load())
    assert len(found.keys) == 12
    assert "乙.xlsx 的“编号”列丢了" in found.warnings[0]


def test_chance_corrected_agreement_of_textbook_data() -> None:
    # Gwet (2014), the two-rater table 118, 5, 2, 0: kappa is near zero where AC1 is near the percent agreement.
    counts = np.asarray([[2, 0]] * 118 + [[1, 1]] * 7)
    assert ac1(counts) == pytest.approx(0.9408, abs=0.001)
    assert alpha(counts) < 0.05


def test_wrong_labels_come_first_in_the_queue_of_suspects(tmp_path: Path) -> None:
    table = rows()
    for at in (3, 60, 110):
        table[at]["部门"] = "教育" if table[at]["部门"] != "教育" else "环保"
    found = teach.teach([write(tmp_path / "错.csv", table)], tmp_path / "m", WISH)
    assert found["suspects"] >= 3
    sheet = read_labels([tmp_path / "m" / "可疑标注.xlsx"], None, LabelOptions(label="标签"))
    assert {table[at]["内容"] for at in (3, 60, 110)} <= set(sheet.texts[:6])


# Python


def test_train_and_save_from_python(labelled: Path, tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(labelled).rename(columns={"内容": "text", "姓名": "respondent"})
    coder = pipeline.Coder.train(frame, label="部门")
    assert coder.categories == ("交通", "教育", "环保")
    found = coder.save(tmp_path / "m")
    assert found["macro_f1"] > 0.9
    sentences = ["校门口的河发臭", "公交不来"]
    assert coder.code(sentences).equals(pipeline.Coder.load(tmp_path / "m").code(sentences))
    with pytest.raises(OutputRefused):
        coder.save(tmp_path / "m")
    with pytest.raises(ValueError, match=r"Coder\.train"):
        pipeline.Coder.load(tmp_path / "m").save(tmp_path / "n")


# Other tools


def test_label_studio_and_doccano_exports_are_read(tmp_path: Path) -> None:
    tasks = [
        {
            "data": {"text": f"第{n}句"},
            "annotations": [
                {
                    "completed_by": 1,
                    "result": [
                        {"from_name": "statement", "value": {"choices": ["问题"]}},
                        {"from_name": "categories", "value": {"choices": ["形式主义", "保障不足"]}},
                    ],
                }
            ],
        }
        for n in range(3)
    ]
    (tmp_path / "a.json").write_text(json.dumps(tasks), encoding="utf-8")
    labels = read_labels([tmp_path / "a.json"], load())
    assert labels.categories == (("formalism", "resources"),) * 3
    assert labels.statements == ("problem",) * 3
    lines = [json.dumps({"text": f"第{n}句", "label": ["建议", "民生诉求"]}, ensure_ascii=False) for n in range(3)]
    (tmp_path / "b.jsonl").write_text("\n".join(lines), encoding="utf-8")
    labels = read_labels([tmp_path / "b.jsonl"], load())
    assert (labels.statements[0], labels.categories[0]) == ("suggestion", ("livelihood",))
    (tmp_path / "c.json").write_text('{"a": [', encoding="utf-8")
    with pytest.raises(LabelsRefused, match="Label Studio"):
        read_labels([tmp_path / "c.json"], load())


def test_a_codebook_survives_refi_qda(tmp_path: Path) -> None:
    teach.convert(None, tmp_path / "手册.qdc")
    assert teach.open_book(tmp_path / "手册.qdc") == load()
    teach.convert(tmp_path / "手册.qdc", tmp_path / "手册.csv")
    assert load(tmp_path / "手册.csv").fingerprint == load().fingerprint
    with pytest.raises(OutputRefused):
        teach.convert(None, tmp_path / "手册.qdc")


def test_a_foreign_codebook_with_codes_within_codes(tmp_path: Path) -> None:
    (tmp_path / "b.qdc").write_text(
        '<?xml version="1.0"?><CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes><Code guid="1" name="服务" isCodable="true">'
        '<Description>办事</Description><Code guid="2" name="窗口" isCodable="true"/></Code></Codes></CodeBook>',
        encoding="utf-8",
    )
    book = teach.open_book(tmp_path / "b.qdc")
    assert [(category.name, category.definition) for category in book.categories] == [
        ("服务", "办事"),
        ("服务/窗口", ""),
    ]
    for content in ("<a/>", "不是", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><CodeBook>&x;</CodeBook>'):
        (tmp_path / "b.qdc").write_text(content, encoding="utf-8")
        with pytest.raises(QunyanError, match=r"b\.qdc"):
            teach.open_book(tmp_path / "b.qdc")


# What to label next


def test_choose_takes_the_unsure_the_central_and_some_at_random() -> None:
    import scipy.sparse as sp

    draw = np.random.default_rng(0)
    features = sp.csr_matrix(np.repeat(np.eye(40), 10, axis=0) + draw.normal(0, 0.3, (400, 40)))
    margin = draw.random(400)
    picked = review.choose(features, margin, 50, seed=1)
    why = [reason for _, reason in picked]
    assert len({row for row, _ in picked}) == 50
    assert why.count(AUDIT) == 10
    assert why.count(review.SPREAD) == 15
    unsure = [margin[row] for row, reason in picked if reason == review.UNSURE]
    assert np.mean(unsure) < 0.25
    assert review.choose(features, margin, 50, seed=1) == picked
    same = sp.csr_matrix(np.tile([1.0, 2.0], (100, 1)))
    assert [why for _, why in review.choose(same, margin[:100], 20)] == [AUDIT] * 4, "equal units: only at random"


def test_the_loop_of_a_person_in_excel(tmp_path: Path) -> None:
    """Classify, sample for two coders, fill in, agree, train on what is settled, evaluate: through the rooms."""
    from openpyxl import load_workbook

    table = [{"编号": str(n), "意见": f"{row['内容']}。"} for n, row in enumerate(rows())]
    source = write(tmp_path / "问卷.csv", table)
    run = tmp_path / "结果"
    pipeline.classify(source, out=run)
    truth = {f"{row['内容']}。": row["部门"] for row in rows()}
    paths = review.sample(run, tmp_path / "待标注.xlsx", review.Draw(60, 2, 0.5))
    assert [path.name for path in paths] == ["待标注_1.xlsx", "待标注_2.xlsx"]
    for path in paths:
        clerk(path, truth)
    with pytest.raises(OutputRefused, match="标注过"):
        review.sample(run, tmp_path / "待标注.xlsx", review.Draw(60, 2, 0.5))
    found = {row.label: row for row in agreements(compare(paths, load()))}
    assert found["livelihood"].units in (28, 29, 30)  # 30 were shared, each clerk lost a row
    assert found["livelihood"].percent == 1.0
    labels = read_labels(paths, load())
    assert 58 <= len(deduplicated(labels)) <= 60
    book = load_workbook(paths[0])
    assert book["标注"].column_dimensions["A"].hidden
    assert not any(str(cell.value).startswith("=") for row in book["标注"].iter_rows() for cell in row)
    card_ = teach.teach(paths, tmp_path / "模型", teach.Wish(builtin=False, semantic=False))
    assert card_["per_category"]["livelihood"]["f1"] > 0.7
    again = pipeline.classify(source, out=tmp_path / "新结果", model=tmp_path / "模型")
    assert len(again.units()) == 150


def clerk(path: Path, truth: dict[str, str]) -> None:
    """Fill a sheet in as a clerk does: sorted, a row deleted, a column added, another program's marks."""
    from openpyxl import load_workbook

    book = load_workbook(path)
    sheet = book["标注"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    cells.sort(key=lambda row: row[heads["文本"] - 1])
    for at, row in enumerate(cells, 2):
        label = truth[row[heads["文本"] - 1]]
        row[heads["表述类型"] - 1] = "问题 "
        row[heads["民生诉求" if label != "教育" else "服务缺位"] - 1] = ("✓", "√", 1, "是")[at % 4]
        for column, value in enumerate(row, 1):
            sheet.cell(at, column, value)
    sheet.insert_cols(heads["文本"] + 1)
    sheet.cell(1, heads["文本"] + 1, "我的备注")
    sheet.delete_rows(2)
    book.save(path)


def qunyan(*words: object) -> tuple[int, str, str]:
    import subprocess
    import sys

    command = [sys.executable, "-m", "pipeline.cli", "--lang", "zh", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(pipeline.__file__).parents[1])
    return done.returncode, done.stdout, done.stderr


def test_the_commands(labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "模型"
    code, said, _ = qunyan("train", labelled, "-o", out, "--label", "部门", "--no-semantic")
    assert code == 0
    assert "宏平均 F1" in said
    assert "翻一倍" in said
    code, said, _ = qunyan("evaluate", out, labelled, "--label", "部门", "--json")
    assert code == 0
    assert {"accuracy", "macro_f1", "micro_f1", "per_category", "ece", "n"} <= set(json.loads(said))
    code, _, said = qunyan("train", labelled, "-o", out, "--label", "部门")
    assert (code, "--force" in said, "Traceback" in said) == (4, True, False)
    code, _, said = qunyan("agree", labelled)
    assert (code, "Traceback" in said) == (4, False)
    code, _, said = qunyan("evaluate", tmp_path, labelled, "--label", "部门")
    assert (code, "不是模型文件夹" in said) == (4, True)
