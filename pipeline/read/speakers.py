"""Who a label such as `受访者A：` or `张书记（村支书）00:01:23` names, and whether it names anybody at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .source import words

INTERVIEWER = words("""
    访谈者 访谈员 访谈人 访问者 访问员 访员 采访者 采访人 采访员 主持人 主持者 主持 记者 提问者 提问人 提问 问 Q
    调查员 调查者 调查人员 调查人 调查组 调研员 调研者 调研人员 调研人 调研组 调研组成员 调研组组长 研究者 督查组
    巡察组 话务员 接线员 坐席 客服 interviewer moderator host facilitator researcher question
""")
"""Labels of those who ask."""

RESPONDENT = words("""
    受访者 受访人 受访对象 受访群众 受访村民 受访居民 被访者 被访人 被访谈者 被访谈人 被采访者 被采访人 被调查者
    被调查人 访谈对象 采访对象 调查对象 回答者 回答人 回答 答 A 说话人 发言人 发言者 未知说话人 嘉宾 与会者 参会者
    来电人 反映人 投诉人 interviewee respondent participant speaker answer
""")
"""Labels of those who answer, or who are numbered by a transcription service."""

_SHORT = ("问", "答", "Q", "A")

PERSONS = words("""
    书记 主任 村长 支书 会计 局长 县长 区长 镇长 乡长 处长 科长 所长 站长 院长 校长 部长 市长 厅长 股长 队长 组长
    社长 班长 园长 委员 代表 同志 老师 教师 教授 医生 大夫 护士 师傅 先生 女士 小姐 大爷 大妈 大娘 大叔 大婶 大姐
    大哥 阿姨 叔叔 伯伯 奶奶 爷爷 嫂子 村民 居民 市民 群众 农户 农民 商户 业主 住户 租户 家长 学生 党员 干部 员工
    职工 工人 老人 青年 志愿者 网格员 社工 经理 老板 司机 负责人 工作人员 当事人 网友 顾客 患者 家属 摊主 店主 社员
    户主
""")
"""Nouns of persons that end a label, or stand before a name."""

NOBODY = words("""
    时间 地点 日期 主题 题目 标题 目的 会议主题 会议时间 会议地点 会议名称 访谈时间 访谈地点 访谈日期 访谈方式
    访谈主题 访谈目的 调研时间 调研地点 调研主题 座谈时间 座谈地点 座谈主题 录音时长 录音文件 时长 参加人员 参会人员
    与会人员 参加人 出席 出席人员 列席 列席人员 缺席 记录人 记录 记录员 整理人 整理 转写 审核 校对 撰稿 单位 部门
    电话 姓名 性别 年龄 职业 学历 文化程度 政治面貌 住址 地址 编号 备注 注 附 附件 说明 摘要 关键词 来源 问题 建议
    意见 意见建议 原因 结论 措施 对策 做法 成效 结果 总结 小结 补充 优点 缺点 不足 背景 目标 任务 要求 内容 第一
    第二 第三 第四 其一 其二 其三 首先 其次 再次 最后 一方面 另一方面 例如 比如 比如说 其中 另外 此外 总之 因此 所以
    但是 同时 现在 以前 全部 部分 计划 方案 方法 项目 管理 安全 路面 马路 路灯 水电 水费 水质 电费 房价 房屋 房租
    程序 金额 成本 经费 万元 应急 宗旨 毛病 高速 高峰 党建 党委 党风 施工 温度 常态 季度 江边 田地 章程 和谐 解决
    明天 明年 于是 方便 方面 方向 温馨提示 文明 文化 单独 白天 高龄 高温 平时 平均 安排 安置 常见 成果 成绩 车位
    车费 陈述 程度 房子 广场 国家 何况 黄金 金融 康复 雷区 林地 林业 马上 苗木 牛羊 石料 石头 水利 水泥 孙子 田间
    童年 万一 王法 温室 向上 项目款 许多 严重 杨树 叶子 易地 应该 余额 元旦 张贴 郑重 周边 周末 周期 朱红 祝愿 阿
    老实说 老师们 老百姓 小区 小孩 小时 小事 小学 老年 老家 老路 老人们 小额 小组 老旧 小微 老小区
""")
"""What stands before a colon and speaks not."""

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包"
)
_INTERVIEWERS = frozenset(INTERVIEWER)
_RESPONDENTS = frozenset(RESPONDENT)
_NOBODIES = frozenset(NOBODY)
_NUMBERED = r"(?:\s*(?:[A-Za-z]|\d{1,3}|[一二三四五六七八九十]{1,2}|[甲乙丙丁戊])号?)?"
_WITH_NAME = r"(?:[\u4e00-\u9fff×*]{1,4})?"


def _any(choices: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, choices), key=len, reverse=True))


_LONG_ASK = [word for word in INTERVIEWER if word not in _SHORT]
_LONG_ANSWER = [word for word in RESPONDENT if word not in _SHORT]
_ASKS = re.compile(rf"(?:{_any(_LONG_ASK)})(?:{_NUMBERED}|{_WITH_NAME})|[问Q]\s*\d{{0,3}}", re.IGNORECASE)
_ANSWERS = re.compile(rf"(?:{_any(_LONG_ANSWER)})(?:{_NUMBERED}|{_WITH_NAME})|[答A]\s*\d{{0,3}}", re.IGNORECASE)
_PERSON = re.compile(rf"[\u4e00-\u9fffA-Za-z·\d]{{0,12}}(?:{_any(PERSONS)})(?:{_NUMBERED}|[\u4e00-\u9fff×*]{{1,3}})")
_CROWD = re.compile(
    "(?:有的|有些|部分|许多|很多|多数|一些|个别|大家|广大|所有|不少|联系|服务|关于|对于|为了|全体|各位|少数)"
)
_MASKED = re.compile(r"[\u4e00-\u9fff]{1,4}(?:某{1,2}|[×xX*]{1,3})[\u4e00-\u9fff甲乙丙A-Z\d]?")
_NAME = re.compile(
    rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}|(?:欧阳|司马|上官|诸葛|东方|尉迟|司徒|夏侯)[\u4e00-\u9fff]{{1,2}}"
    rf"|[老小阿][{_SURNAMES}\u4e00-\u9fff]|[{_SURNAMES}][总工姐哥叔婶嫂伯姨]|[\u4e00-\u9fff]{{2,6}}·[\u4e00-\u9fff]{{2,6}}"
    r"|\d{1,3}号|匿名\s*\d*|[A-Z][a-z]+(?: [A-Z][a-z]+)?"
)
_LETTER = re.compile(r"[A-Za-z]\d{0,3}|[甲乙丙丁戊己庚辛]")
_SPOKEN = re.compile(
    r"(?:说|反映|认为|指出|表示|提出|介绍|谈到|强调|问道|讲|称|如下|包括|例如|比如|就是|的是|是|的|了|们都|都|来看|方面|问题|建议)$"
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a label names."""

    name: str
    kind: str
    """`asks`, `answers`, `person`, `name`, `letter`, or empty where it names nobody that we know."""
    note: str = ""
    """What stood in brackets after the name: `村支书`."""


def speaker(label: str, note: str = "") -> Speaker:
    """Tell who a label names.

    Parameters
    ----------
    label : str
        What stands before the colon or the time.
    note : str
        What stands in brackets after it.

    Examples
    --------
    >>> speaker("访谈者").kind, speaker("受访者A").kind, speaker("居民代表王某").kind, speaker("他说").kind
    ('asks', 'answers', 'person', '')
    >>> speaker("李某", "主持人").kind
    'asks'
    """
    name = " ".join(label.split()).strip("*_ ")
    note = note.strip()
    kind = _kind(name)
    if note and _ASKS.fullmatch(note):
        kind = "asks"
    elif note and not kind and name not in _NOBODIES and not _SPOKEN.search(name):
        kind = "person"
    return Speaker(name, kind, note)


def _kind(name: str) -> str:
    if not name or name in _NOBODIES or name.isdigit() or _SPOKEN.search(name):
        return ""
    if _ASKS.fullmatch(name):
        return "asks"
    if _ANSWERS.fullmatch(name):
        return "answers"
    if _LETTER.fullmatch(name):
        return "letter"
    if (_PERSON.fullmatch(name) and not _CROWD.match(name)) or _MASKED.fullmatch(name):
        return "person"
    return "name" if _NAME.fullmatch(name) else ""


def is_short(name: str) -> bool:
    """Whether a label is only `问`, `答`, `Q`, `A` (and a number): it needs company to be believed."""
    return name.rstrip("0123456789 ").upper() in _SHORT


def unnumbered(name: str) -> str:
    """`问1` and `Q2` name whom `问` and `Q` name.

    Examples
    --------
    >>> unnumbered("问1"), unnumbered("受访者1")
    ('问', '受访者1')
    """
    return name.rstrip("0123456789 ").upper() if is_short(name) else name
