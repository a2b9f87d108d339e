"""The web page in a real browser: it renders, filters, sorts, and stays quiet whatever respondents wrote."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from report_frames import HOSTILE, TOTALS, made
from stored_runs import NAMES

from pipeline.report.page import write_page

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium with its chromedriver on this machine")


def browser(**mobile: int) -> Any:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1100,900",
    ):
        options.add_argument(argument)
    if mobile:
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": {**mobile, "pixelRatio": 1}})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    driver = browser()
    yield driver
    driver.quit()


def opened(driver: Any, path: Path) -> Any:
    driver.get(path.as_uri())
    wait(lambda: driver.find_element("id", "count").text)
    return driver


def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not get there"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, tables, figures = made(tmp_path_factory.mktemp("run"))
    return write_page(folder / "report.html", tables, figures, folder, NAMES, TOTALS, by=["单位"])


@pytest.fixture
def page(driver: Any, path: Path) -> Any:
    return opened(driver, path)


def shown(page: Any) -> list[str]:
    return [item.text.split("\n")[0] for item in page.find_elements("css selector", "#list li")]


def count(page: Any) -> int:
    return int(page.find_element("id", "count").text.split()[-2])


def choose(page: Any, selector: str, value: str) -> None:
    script = "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change', {bubbles: true}))"
    page.execute_script(script, selector, value)


def test_it_renders_without_a_word_of_complaint_or_a_network(page: Any) -> None:
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert len(page.find_elements("css selector", "figure svg")) == 5
    picture = page.find_element("css selector", "figure svg")
    assert picture.size["height"] > 100
    assert count(page) == 157
    assert len(shown(page)) == 50


def test_more_units_come_on_demand(page: Any) -> None:
    page.execute_script("document.getElementById('more').click()")
    assert len(shown(page)) == 100
    for _ in range(2):
        page.execute_script("document.getElementById('more').click()")
    assert len(shown(page)) == 157
    assert not page.find_element("id", "more").is_displayed()


def test_filters_work_together_and_are_taken_back(page: Any) -> None:
    choose(page, "#by-category", "2")
    assert count(page) == 30 + 20 + 12
    choose(page, "#by-statement", "0")
    assert count(page) == 30
    choose(page, "[data-group]", "1")
    assert count(page) == 15
    page.find_element("id", "by-text").send_keys("跑了 31")
    wait(lambda: count(page) == 1)
    assert shown(page) == ["办个证跑了31趟"]
    marked = page.find_elements("css selector", "#list mark.category")
    assert [mark.text for mark in marked] == ["办个"]
    page.execute_script("document.querySelector('button[type=reset]').click()")
    wait(lambda: count(page) == 157)
    choose(page, "#by-category", "none")
    assert count(page) == 60


def test_a_category_leads_to_its_units(page: Any) -> None:
    button = page.find_element("css selector", "[data-category='1']")
    assert button.text == "查看“保障不足”的语句"
    page.execute_script("arguments[0].click()", button)
    assert count(page) == 35
    assert page.switch_to.active_element.get_attribute("id") == "by-category"


def test_units_are_ordered_as_asked(page: Any) -> None:
    choose(page, "#order", "long")
    lengths = [len(text) for text in shown(page)]
    assert lengths == sorted(lengths, reverse=True)
    choose(page, "#order", "short")
    assert len(shown(page)[0]) == 5


def test_tables_are_sorted_by_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    heads = page.find_elements("css selector", "#tables details:first-of-type th button")
    heads[1].send_keys(Keys.ENTER)
    column = (
        "return [...document.querySelectorAll('#tables tbody')[0].rows].map(row => row.cells[arguments[0]].textContent)"
    )
    numbers = [int(text) for text in page.execute_script(column, 1)]
    assert numbers == sorted(numbers, reverse=True)
    heads[1].send_keys(Keys.ENTER)
    assert [int(text) for text in page.execute_script(column, 1)] == sorted(numbers)
    sorted_heads = page.find_elements("css selector", "th[aria-sort]")
    assert [head.get_attribute("aria-sort") for head in sorted_heads] == ["ascending"]


def test_every_control_has_a_name_and_can_be_reached(page: Any) -> None:
    nameless = """return [...document.querySelectorAll('select, input, button')].filter(
        (e) => !(e.labels && e.labels.length) && !e.textContent.trim()).length"""
    assert page.execute_script(nameless) == 0
    levels = page.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is skipped"


def test_a_script_that_got_in_would_not_run(page: Any) -> None:
    page.execute_script(
        "const s = document.createElement('script'); s.textContent = \"document.title = 'hacked'\"; document.body.append(s)"
    )
    assert page.title == "群言：意见分析"
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


def test_hostile_text_stays_text(driver: Any, tmp_path: Path) -> None:
    folder, tables, figures = made(tmp_path, 20, 单位=HOSTILE, text=HOSTILE + "办证难", file=HOSTILE)
    path = write_page(folder / "report.html", tables, figures, folder, NAMES, TOTALS, by=["单位"])
    page = opened(driver, path)
    assert page.get_log("browser") == []
    assert page.title == "群言：意见分析"
    assert page.find_elements("tag name", "img") == []
    assert shown(page)[0] == HOSTILE.replace("\x00", "�") + "办证难"
    options = page.find_elements("css selector", "[data-group] option")
    assert HOSTILE.replace("\x00", "�") in [option.get_attribute("textContent") for option in options]


def test_a_phone_shows_it_without_scrolling_sideways(path: Path) -> None:
    phone = browser(width=360, height=740)
    try:
        page = opened(phone, path)
        assert page.execute_script("return document.documentElement.scrollWidth") == 360
        assert page.execute_script("return parseFloat(getComputedStyle(document.body).fontSize)") >= 16
        short = "return [...document.querySelectorAll('form select, form button')].filter((e) => e.offsetHeight < 40).length"
        assert page.execute_script(short) == 0
    finally:
        phone.quit()


def test_print_leaves_out_what_paper_cannot_do(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        hidden = page.execute_script("return getComputedStyle(document.getElementById('units')).display")
        assert hidden == "none"
        assert page.find_element("css selector", "blockquote").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_chinese_is_drawn_by_the_page_s_own_font_and_not_as_boxes(page: Any) -> None:
    """Also where the machine has no Chinese font, as most servers: boxes would all be alike."""
    fonts = page.execute_script("return [...document.fonts].map(font => font.family + ' ' + font.status)")
    assert fonts in (["Qunyan Sans loaded"], ['"Qunyan Sans" loaded'])
    title = page.find_element("tag name", "h1")
    page.execute_script("arguments[0].style.cssText = 'display: inline-block; font-family: \"Qunyan Sans\"'", title)
    page.execute_script("arguments[0].textContent = '意见分析'", title)
    pixels = np.asarray(Image.open(io.BytesIO(title.screenshot_as_png)).convert("L"))
    side = pixels.shape[1] // 4
    cells = [pixels[:, at * side : (at + 1) * side] < 128 for at in range(4)]
    assert all(cell.sum() > 60 for cell in cells), "something is drawn"
    assert all((one != two).mean() > 0.05 for number, one in enumerate(cells) for two in cells[:number])
