# 两条命令：make demo（安装并跑一遍示例）、make test（安装并通过全部检查）。
# 需要 Python 3.11 以上和 make；虚拟环境由这里自己建。
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check clean
demo: $(VENV)/.installed
	$(BIN)/qunyan classify data/examples -o 结果 --by 单位 --by 年龄段
	@echo "打开 结果/results.xlsx 看表格；qunyan explain \"办个证跑了四趟\" 看一句话怎么编码。"

test: $(VENV)/.installed-dev
	VENV=$(VENV) .ci/check

$(VENV)/.installed: pyproject.toml | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || { echo "找不到 $(PYTHON)：请先安装 Python 3.11 或更新的版本，或用 make PYTHON=路径 指定。"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) 太旧：需要 Python 3.11 或更新的版本，可用 make PYTHON=python3.12 指定。"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) 缺少 venv 模块：Debian/Ubuntu 请先 apt install python3-venv。"; exit 1; }

clean:
	rm -rf $(VENV) 结果 build dist
