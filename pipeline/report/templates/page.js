"use strict";
(() => {
  const STEP = 50, STATEMENTS = ["问题", "建议", "肯定", "陈述"], KINDS = ["category", "statement"];
  const byId = (id) => document.getElementById(id);
  let texts = [], codes = null, found = [], shown = 0;

  async function unpacked(id, encoding) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new TextDecoder(encoding).decode(await new Response(stream).arrayBuffer());
  }

  function add(parent, tag, text, name) {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    parent.append(element);
    return element;
  }

  function option(select, value, text) {
    add(select, "option", text).value = value;
  }

  function offerFilters() {
    codes.names.forEach((name, number) => option(byId("by-category"), number, name));
    codes.groups.forEach((group, number) => {
      const label = add(byId("by-groups"), "label", group.name + " ");
      const select = add(label, "select", "");
      select.dataset.group = number;
      option(select, "", "全部");
      group.values.forEach((value, at) => option(select, at, value || "（未填）"));
    });
  }

  function wanted() {
    const category = byId("by-category").value, statement = byId("by-statement").value;
    const words = byId("by-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const review = byId("by-review").checked;
    const groups = [...document.querySelectorAll("[data-group]")].filter((select) => select.value !== "");
    return (unit) => {
      const own = codes.categories[unit];
      if (category === "none" ? own.length : category !== "" && !own.includes(+category)) return false;
      if (statement !== "" && codes.statement[unit] !== +statement) return false;
      if (review && !codes.review[unit]) return false;
      if (groups.some((select) => codes.groups[select.dataset.group].of[unit] !== +select.value)) return false;
      if (!words.length) return true;
      const text = texts[unit].toLowerCase();
      return words.every((word) => text.includes(word));
    };
  }

  const ORDERS = {
    sure: (a, b) => codes.sure[b] - codes.sure[a],
    unsure: (a, b) => codes.sure[a] - codes.sure[b],
    long: (a, b) => texts[b].length - texts[a].length,
    short: (a, b) => texts[a].length - texts[b].length,
  };

  function filter() {
    found = [...texts.keys()].filter(wanted());
    const order = ORDERS[byId("order").value];
    if (order) found.sort((a, b) => order(a, b) || a - b);
    byId("list").replaceChildren();
    shown = 0;
    byId("count").textContent = `符合条件的语句 ${found.length.toLocaleString("zh-CN")} 条`;
    more();
  }

  function more() {
    found.slice(shown, shown + STEP).forEach(show);
    shown = Math.min(shown + STEP, found.length);
    byId("more").hidden = shown >= found.length;
  }

  function show(unit) {
    const item = add(byId("list"), "li", ""), marks = codes.marks[unit], text = Array.from(texts[unit]);
    let at = 0;
    for (let i = 0; i < marks.length; i += 3) {
      item.append(text.slice(at, marks[i]).join(""));
      add(item, "mark", text.slice(marks[i], marks[i + 1]).join(""), KINDS[marks[i + 2]]);
      at = marks[i + 1];
    }
    item.append(text.slice(at).join(""));
    const source = add(item, "div", "", "source"), names = codes.categories[unit].map((number) => codes.names[number]);
    add(source, "span", STATEMENTS[codes.statement[unit]], "tag s" + codes.statement[unit]);
    if (names.length) add(source, "span", names.join("、"), "tag");
    const groups = codes.groups.map((group) => group.values[group.of[unit]]).filter(Boolean);
    source.append([...groups, codes.files[codes.file[unit]] + " " + codes.location[unit]].join(" · "));
  }

  function later(action, wait) {
    let timer;
    return () => { clearTimeout(timer); timer = setTimeout(action, wait); };
  }

  function listen() {
    const form = byId("filters");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    byId("by-text").addEventListener("input", later(filter, 200));
    byId("more").addEventListener("click", more);
    document.querySelectorAll("[data-category]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => {
        form.reset();
        byId("by-category").value = button.dataset.category;
        filter();
        byId("units").scrollIntoView();
        byId("by-category").focus({ preventScroll: true });
      });
    });
    form.hidden = false;
  }

  function value(row, column, numeric) {
    const text = row.cells[column].textContent;
    if (!numeric) return text;
    return text === "" ? -Infinity : parseFloat(text.replace(/[,%]/g, ""));
  }

  function sort(head, column) {
    const up = head.getAttribute("aria-sort") === "descending" || (!head.className && !head.hasAttribute("aria-sort"));
    const numeric = head.className === "number", body = head.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, column, numeric), row]);
    rows.sort((a, b) => (numeric ? a[0] - b[0] || 0 : a[0].localeCompare(b[0], "zh-CN")) * (up ? 1 : -1));
    [...head.parentNode.cells].forEach((cell) => cell.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows.map((row) => row[1]));
  }

  function makeSortable(head) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head, head.cellIndex));
  }

  async function start() {
    document.querySelectorAll("th").forEach(makeSortable);
    try {
      texts = (await unpacked("texts", "gb18030")).split("\0");
      codes = JSON.parse(await unpacked("codes", "utf-8"));
    } catch {
      byId("old").hidden = false;
      return;
    }
    if (!codes.file.length) texts = [];
    offerFilters();
    listen();
    filter();
  }

  start();
})();
