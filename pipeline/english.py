"""The command's own sentences in English, by the Chinese ones that stand in the code."""

from __future__ import annotations

ENGLISH = {
    # the command
    "群言：把中文开放式意见（访谈、座谈会、问卷、热线）离线编码成问题类别、表格和工作簿。": (
        "qunyan: codes Chinese open-ended feedback (interviews, meetings, surveys, hotlines) offline into problem "
        "categories, tables and a workbook."
    ),
    "例如：": "For example:",
    "显示这段说明。": "Show this message and exit.",
    "显示版本号。": "Show the version and exit.",
    "语言：zh 或 en（默认看系统的语言设置）。": "Language: zh or en (default: as the locale says).",
    # classify
    "读文件，逐句编码，写出表格、工作簿和报告。": (
        "Read files, code every sentence, write tables, a workbook and reports."
    ),
    "文件或文件夹（txt md docx xlsx xls csv tsv jsonl parquet srt vtt pdf）；- 是标准输入，每行一条。": (
        "Files or folders (txt md docx xlsx xls csv tsv jsonl parquet srt vtt pdf); - for lines on standard input."
    ),
    "结果放到哪个文件夹。": "The folder for the results.",
    "回答在哪一列（可以写几次）。": "Column that holds answers (repeatable).",
    "编号在哪一列。": "Column of ids.",
    "受访者在哪一列。": "Column of respondents.",
    "按哪一列分组列表（可以写几次）。": "Metadata column to break tables down by (repeatable).",
    "日期在哪一列。": "Column of dates.",
    "模型文件夹（不写就用自带的）。": "Model folder (default: the built-in one).",
    "编码手册（.csv 或 .xlsx；不写就用自带的）。": "Codebook (.csv or .xlsx; default: the built-in one).",
    "自己的词典（jieba 格式）。": "User dictionary (jieba format).",
    "按句（sentence）还是整条（response）编码。": "What is coded: sentence or response.",
    "文件的编码（不写就自动识别）。": "Encoding of the files (default: found by itself).",
    "只读这张工作表。": "Read this sheet only.",
    "用几个进程（不写就看输入多少）；结果相同。": (
        "Worker processes (default: by the size of the input); the result is the same."
    ),
    "在哪里编码：本机（local）或 Spark 集群；结果相同。": (
        "Where units are coded: here (local) or on a Spark cluster; the result is the same."
    ),
    "Spark 的主节点（spark://…、yarn、k8s://…、local[4]）。": "Spark's master (spark://…, yarn, k8s://…, local[4]).",
    "访谈者的话也计入表格。": "Count the interviewer's turns in the tables too.",
    "覆盖文件夹里另一次运行的结果。": "Replace another run's result in the folder.",
    # the other commands
    "看一段话怎么编码，依据是哪些词。": "Show how a text is coded, and the words that decided.",
    "要看的话；- 表示从标准输入读。": "The text; - reads standard input.",
    "输出 JSON，给程序用。": "Print JSON, for programs.",
    "用已有的编码结果重新生成表格、工作簿和报告，不重新编码。": (
        "Write tables, workbook and reports again from a run, without coding."
    ),
    "标好的抽查表（sample 写的，可以写几次）：按其中随机抽的句子校正占比。": (
        "Labelled sheets of `sample` (repeatable): correct the shares by the sentences in them drawn at random."
    ),
    "当初编码的 .docx 文件或文件夹（可以写几次）：写一份带编码批注的副本到 OUT/comments。": (
        "The .docx files that were coded, or folders (repeatable): write copies with the codings as comments to OUT/comments."
    ),
    "另写 OUT/results.sav，供 SPSS 用。": "Write OUT/results.sav for SPSS too.",
    "带批注的 Word 文件：{path}": "Word files with comments: {path}",
    "SPSS 文件：{path}": "SPSS file: {path}",
    "标签在抽查表的哪一列（模型每条只给一个标签时）。": "Column of labels in those sheets (for models that give one label).",
    "探索结果：关键词、词语在原话里的位置、新词、无类别语句的分组、重复的话。": (
        "Explore a run: keywords, concordance, new words, groups of what has no category, duplicates."
    ),
    "只看这个词在原话里的每一处。": "Only show every place where this term stands.",
    "把各表全部写成 OUT/explore/*.csv。": "Write the whole tables to OUT/explore/*.csv.",
    "classify 的结果文件夹。": "The folder of a classify run.",
    "比较两期结果：哪些问题增多、减少、新出现，用词有什么变化。": (
        "Compare two runs: which problems grew, fell or are new, and how the words changed."
    ),
    "上期的结果文件夹。": "Folder of the earlier run.",
    "本期的结果文件夹。": "Folder of the later run.",
    "写成工作簿（.xlsx），或表格、工作簿和图（文件夹）。": "Write a workbook (.xlsx), or tables, workbook and picture (a folder).",
    "替换已有的文件。": "Replace what is there.",
    "  {name}：{then} → {now} 人，占 {share} → {later}，差 {gap}（{low}～{high}）百分点　{change}": (
        "  {name}: {then} → {now} respondents, {share} → {later}, difference {gap} ({low} to {high}) points  {change}"
    ),
    "  {wave}多用的词：{words}": "  Words used more in {wave}: {words}",
    "检查结果文件夹有没有缺失或被改动。": "Check a run against its manifest.",
    "看、新建、检查编码手册。": "Print, start and check a codebook.",
    "列出类别；不写文件就列自带的。": "Print the categories; the built-in ones without a file.",
    "写一份可以修改的编码手册。": "Write a codebook to start one's own from.",
    "检查编码手册，逐行指出毛病。": "Check a codebook, line by line.",
    "编码手册文件。": "The codebook file.",
    "新文件的名字（.csv 或 .xlsx）。": "Name of the new file (.csv or .xlsx).",
    # what is said on the way
    "编码": "Coding",
    "{units} 句，每秒 {rate} 句": "{units} units, {rate} a second",
    "第 {done}/{files} 个文件 {file}：已编码 {units} 句": "File {done}/{files} {file}: {units} units coded",
    "正在生成表格、工作簿和报告……": "Writing tables, workbook and reports…",
    "输入和选项都没有变，{out} 里的结果就是最新的，没有重做。": (
        "Neither input nor options have changed: the result in {out} is up to date, nothing was done again."
    ),
    "完成：{files} 个文件，{respondents} 位受访者，{units} 句，{rejected} 条没有分类。": (
        "Done: {files} files, {respondents} respondents, {units} units, {rejected} rejected."
    ),
    "最多的问题：{top}": "Largest problems: {top}",
    "{name} {units} 句（{respondents} 人）": "{name} {units} units ({respondents} respondents)",
    "结果：{book}（全部表格和语句）": "Results: {book} (all tables and units)",
    "报告：{page}（用浏览器看），{word}（可修改的 Word 报告）": "Reports: {page} (for a browser), {word} (to edit in Word)",
    "去标识化：全部（语句、表格、报告）；不是匿名化，对外提供之前请核对。": (
        "De-identified: everything (units, tables, reports). This is not anonymisation: check before you pass it on."
    ),
    "去标识化：表格、原话和报告；语句（units/、results.xlsx 的语句表、rejects.csv）是原文。不是匿名化，对外提供之前请核对。": (
        "De-identified: tables, quotes and reports; the units (units/, the unit sheets of results.xlsx, rejects.csv) are as "
        "they were said. This is not anonymisation: check before you pass it on."
    ),
    "没有去标识化：全部是原文，对外提供之前请自己处理个人信息。": (
        "Not de-identified: everything is as it was said; take personal data out before you pass it on."
    ),
    "去标识化：--redact 连语句一起，--no-redact 都不；不写就是表格和报告去标识化，语句留原文。": (
        "De-identification: --redact the units too, --no-redact nothing; by default tables and reports, not the units."
    ),
    "分组比较里不足几人的组不列出。": "Groups of fewer respondents are not shown in break-downs.",
    "分组比较里不足几人的组不列出（不写就和运行时一样）。": "Groups of fewer respondents are not shown (as in the run).",
    "词典 {path} 第{line}行没有采用：{reason}（{text}）": "Dictionary {path} line {line} was ignored: {reason} ({text})",
    "……还有 {more} 行（--csv 写出全部）。": "… {more} more rows (--csv writes all).",
    "没有分类的记录和原因：{path}": "What was not classified, and why: {path}",
    "提示：{warning}": "Note: {warning}",
    "……还有 {more} 条提示，见 {path}": "… {more} more notes in {path}",
    "没有可编码的文字。": "There is no text to code.",
    "依据：{evidence}": "Evidence: {evidence}",
    "没有类别": "no category",
    "完好：{count} 个文件都和运行时一样。": "Intact: {count} files are as they were written.",
    "已写好 {path}；改完用 qunyan codebook check {path} 检查。": (
        "{path} written; check it with qunyan codebook check {path} after editing."
    ),
    "没有发现毛病：{count} 个类别。": "No findings: {count} categories.",
    "第{line}行：": "Line {line}: ",
    "出错：{error}": "Error: {error}",
    "缺少 {name}。": "{name} is missing.",
    "没有 {name} 这个选项。": "There is no option {name}.",
    "{name} 的值不对：{why}": "Wrong value for {name}: {why}",
    "命令写得不对：{why}": "{why}",
    "用 {command} --help 看说明和例子。": "See {command} --help for examples.",
    "已中断。再运行同一条命令会接着做。": "Interrupted. The same command goes on where it stopped.",
    "程序内部出错（{kind}：{error}）。这是软件的缺陷，请告诉我们；设环境变量 QUNYAN_DEBUG=1 再运行可看详情。": (
        "Internal error ({kind}: {error}). This is a bug of ours, please report it; QUNYAN_DEBUG=1 shows the details."
    ),
    # names
    "问题": "problem",
    "建议": "suggestion",
    "肯定": "praise",
    "陈述": "neutral",
    "词语": "term",
    "被否定": "negated",
    "要避免": "avoided",
    "假设": "hypothetical",
    "询问": "asked",
    "已改善": "improved",
    "句式": "cue",
    "模型": "learnt",
    # train, evaluate, sample, agree
    "用标注好的样本训练模型，交叉检验，写出模型和模型卡。": (
        "Train a model on labelled samples, cross-validate it, write the model and its card."
    ),
    "用没参加训练的标注检验模型。": "Test a model on labels that it was not trained on.",
    "从结果里挑最值得标注的句子，写成带下拉列表的工作簿。": (
        "Choose the sentences most worth labelling and write them as a workbook with drop-downs."
    ),
    "几位标注者的一致程度，和要商定的分歧。": "How far coders agree, and the disagreements to settle.",
    "标注好的文件（xlsx csv jsonl parquet）。": "Labelled files (xlsx csv jsonl parquet).",
    "文字在哪一列（可以写几次，按顺序连起来）。": "Column that holds the text (repeatable; joined in order).",
    "标签在哪一列：每行一个标签，什么标签都行。": "Column of labels: one a row, any labels.",
    "随机数种子；同一个种子结果相同。": "Random seed; the same seed gives the same result.",
    "替换已有的模型或工作簿。": "Replace a model or workbook that is there.",
    "模型放到哪个文件夹。": "The folder for the model.",
    "是否和自带样本一起训练（默认：类别相同就一起）。": (
        "Whether the built-in sample trains along (default: where the categories are its own)."
    ),
    "在相同的折上和这个模型比较。": "Compare with this model on the same folds.",
    "是否试用句向量（默认：装了就试）。": "Whether to try sentence embeddings (default: where installed).",
    "只算没见过的 {count} 行：": "Only the {count} rows that it had not seen:",
    "可疑的标注 {count} 行，请核对：{path}": "{count} suspicious labels, please check: {path}",
    "模型：{out}（说明见 {card}）": "Model: {out} (card: {card})",
    "  ……共 {count} 类": "  ... {count} categories in all",
    "更好": "better",
    "更差": "worse",
    "没有差别": "no difference",
    "与基准模型相比：{verdict}，宏平均 F1 {interval}": "Against the baseline: {verdict}, macro F1 {interval}",
    "模型文件夹；builtin 是自带的模型。": "Model folder; builtin is the one that ships.",
    "写成哪个工作簿（.json 给 Label Studio，.jsonl 给 doccano）。": (
        "The workbook to write (.json for Label Studio, .jsonl for doccano)."
    ),
    "转换编码手册的格式：csv、xlsx、REFI-QDA（.qdc，供 MAXQDA、NVivo、ATLAS.ti）。": (
        "Convert a codebook: csv, xlsx, REFI-QDA (.qdc, for MAXQDA, NVivo, ATLAS.ti)."
    ),
    "编码手册文件；builtin 是自带的手册。": "Codebook file; builtin is the one that ships.",
    "新文件的名字（.csv、.xlsx 或 .qdc）。": "Name of the new file (.csv, .xlsx or .qdc).",
    "已写好 {path}。": "Written {path}.",
    "挑多少句。": "How many sentences.",
    "看哪个模型没把握（不写就用自带的）。": "The model whose doubts count (default: the built-in one).",
    "几位标注者，每人一个工作簿。": "How many coders; a workbook each.",
    "几位标注者共同标的百分比。": "Percentage of sentences that all coders label.",
    "已写好 {path}：标注后用 qunyan report {run} --audit {path} 校正占比，或用 qunyan train {path} -o 模型 训练。": (
        "Written {path}: label it, then qunyan report {run} --audit {path} corrects the shares, qunyan train {path} -o MODEL trains."
    ),
    "只随机抽，供核对：units 抽句子，respondents 抽人（抽中的人每句都标，才能校正人数）。": (
        "Draw at random only, for an audit: units, or all units of respondents (which corrects shares of respondents too)."
    ),
    "每位标注者一个文件。": "A file a coder.",
    "把分歧写成工作簿，商定后可直接训练。": "Write the disagreements as a workbook to settle; it trains as it is.",
    "{count} 句由至少两人标注。": "{count} sentences were labelled by two coders or more.",
    "{count} 句有分歧，写在 {path} 最前面：商定后可直接训练。": (
        "{count} sentences are disputed and stand first in {path}: settle them, then train on it."
    ),
}
