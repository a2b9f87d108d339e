# 两条命令：make demo（安装并跑一遍示例）、make test（安装并通过全部检查）。
# 只需要 Python 3.11 以上和 make；虚拟环境由这里自己建，第一次要联网从 PyPI 下载依赖。
PYTHON ?= python3
VENV ?= .venv
OUT ?= 结果
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FAILED = { echo "依赖没有装好（原因见上面几行）：请检查网络或 pip 的镜像设置，再运行一次同一条命令。"; exit 1; }

.PHONY: demo test golden model bench clean python

demo: $(VENV)/.installed
	@$(BIN)/qunyan classify data/examples -o $(OUT) --by 单位 --by 年龄段 || [ $$? -eq 3 ]
	@echo "示例跑完了。打开 $(OUT)/report.html 看报告，$(OUT)/results.xlsx 看全部表格；没有分类的记录和原因在 $(OUT)/rejects.csv。"
	@echo '再试一句话：$(BIN)/qunyan explain "办个证跑了四趟，窗口还说材料不全，建议搞一网通办"'

test: $(VENV)/.installed-dev
	@VENV=$(VENV) .ci/check

golden: $(VENV)/.installed-dev # 示例的读取结果或 README 里的输出有意改变之后
	$(BIN)/python -m pytest --update-golden tests/test_examples.py tests/test_readme.py

model: $(VENV)/.installed-dev # 从 data/labelled/ 和 lexicons/ 重新训练自带的模型
	$(BIN)/python models/make_builtin.py

bench: $(VENV)/.installed-dev # 速度和内存：各步相对于 rjieba 的倍数
	$(BIN)/python benchmarks/speed.py

$(VENV)/.installed: pyproject.toml | python
	@echo "正在安装到 $(VENV)（第一次约一两分钟）……"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e . || $(FAILED)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | python
	@echo "正在安装到 $(VENV)（第一次约一两分钟）……"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e '.[dev]' || $(FAILED)
	@touch $@ $(VENV)/.installed

python:
	@command -v $(PYTHON) >/dev/null || { echo "找不到 $(PYTHON)：请先安装 Python 3.11 或更新的版本，或用 make PYTHON=路径 指定。"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) 太旧：需要 Python 3.11 或更新的版本，可用 make PYTHON=python3.12 指定。"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) 缺少 venv 模块：Debian、Ubuntu 请先运行 apt install python3-venv。"; exit 1; }

clean:
	rm -rf $(VENV) $(OUT) build dist
