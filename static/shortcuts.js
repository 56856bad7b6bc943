// Single keys, as the sheet under "?" lists them. None of them sends, clears, reveals or undoes.
const sheet = document.getElementById("shortcuts");
const TEXT = "input:not([type=checkbox], [type=radio]), select, textarea";
const LINES = "ul.people > li, table.log > tbody.change, .trail ol > li";

const near = (selector) => document.activeElement.closest(".field")?.querySelector(selector);
const keys = {
  "/": () => {
    const box = document.querySelector("main [name=q], .topsearch [name=q]");
    if (box?.checkVisibility()) box.focus();
    else document.querySelector("[data-key='g f']")?.click(); // on a narrow screen
  },
  "?": () => htmx.ajax("GET", sheet.dataset.url, sheet).then(() => sheet.showModal()),
  e: () => (near(".field-edit") ?? document.querySelector(".field-edit"))?.click(),
  h: () => near(".field-history a")?.click(),
  c: () => document.querySelector(".facts [data-copy]")?.click(),
  w: () => document.querySelector("#why select, #why input:not([type=hidden])")?.focus(),
  f: () => document.querySelector("#filters summary, #filters input:not([type=hidden])")?.focus(),
  j: () => move(1),
  k: () => move(-1),
};

// From line to line: each line's first link takes the focus.
function move(by) {
  const lines = [...document.querySelectorAll(LINES)].filter((line) => line.querySelector("a"));
  const at = lines.indexOf(document.activeElement.closest(LINES));
  lines[Math.max(0, at + by)]?.querySelector("a").focus();
}

let before = ""; // "g " until the next key
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return; // 229: Safari's input method
  if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const save = target.closest("form.editor, form[data-guard]")?.querySelector(".btn-primary:enabled");
    save?.form.requestSubmit(save);
    return;
  }
  if (key === "Escape" && target.matches(TEXT) && !target.closest("form.editor, dialog")) target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("shortcuts") === "off") return;
  if (target.matches(TEXT) || document.querySelector("dialog[open], [data-saving]")) return;
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (arrow && target.closest(LINES)) {
    event.preventDefault();
    move(arrow);
    return;
  }
  const pressed = before + key;
  before = pressed === "g" ? "g " : "";
  const link = document.querySelector(`[data-key="${CSS.escape(pressed)}"]`);
  const act = keys[pressed] ?? (link && (() => link.click()));
  if (!act) return;
  event.preventDefault();
  act();
});

// The switch in the sheet is remembered in this browser only, as the theme is.
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-shortcuts]")) localStorage.setItem("shortcuts", target.checked ? "on" : "off");
});
const showSwitch = () => {
  for (const box of document.querySelectorAll("[data-shortcuts]")) {
    box.disabled = false;
    box.checked = localStorage.getItem("shortcuts") !== "off";
  }
};
document.addEventListener("htmx:afterSettle", showSwitch);
showSwitch();
