// What the pages cannot say in HTML alone. Every page works without this file.

// Times are shown in the zone of this browser.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const [prefix, secure] = location.protocol === "https:" ? ["__Host-", "; secure"] : ["", ""];
document.cookie = `${prefix}crmadmin_timezone=${timeZone}; path=/; max-age=31536000; samesite=lax${secure}`;

// Menus are <details>: close them on Esc and on a click outside.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  // Of an input method, whose list it closes: Safari says so by 229 alone.
  if (event.key !== "Escape" || event.isComposing || event.keyCode === 229) return;
  const menu = event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  const search = document.querySelector("[data-leave]");
  if (search) {
    event.preventDefault(); // Chromium would empty the box
    search.click();
    return;
  }
  event.target.closest(".editor:not([aria-busy]), .reveal, [data-state=revealed]")?.querySelector("[data-cancel]")?.click();
});

// What was done is said from one region that lasts: one that comes with its text is often not read out.
const said = document.getElementById("said");
const say = (...words) => {
  if (said.textContent !== words.join(", ")) said.textContent = words.join(", ");
};
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const field = document.getElementById(detail.elt.id);
  const done = field?.matches(".field") && field.querySelector("[data-say]");
  if (done) say(field.querySelector("dt").firstChild.textContent, done.textContent.trim());
});

// One click copies a number or an address, where the browser lets a page do that.
if (navigator.clipboard) document.documentElement.dataset.copies = "";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const copied = button.nextElementSibling;
  for (const other of document.querySelectorAll(".copied")) other.textContent = "";
  copied.textContent = copied.dataset.said;
  say(button.getAttribute("aria-label"), copied.dataset.said);
});

// Theme: remembered in this browser only.
for (const menu of document.querySelectorAll("[data-theme-menu]")) {
  menu.hidden = false;
  const mark = () => {
    for (const button of menu.querySelectorAll("[data-shade]")) {
      const chosen = button.dataset.shade === (localStorage.getItem("theme") ?? "auto");
      button.setAttribute("aria-pressed", String(chosen));
    }
  };
  mark();
  menu.addEventListener("click", (event) => {
    const choice = event.target.dataset.shade;
    if (!choice) return;
    localStorage.setItem("theme", choice);
    document.dispatchEvent(new Event("theme"));
    mark();
  });
}

// The field that a person works in keeps the focus: an editor that opens takes it, its text selected;
// one that closes gives it to the value. What somebody does elsewhere meanwhile is not disturbed.
const worked = new Map(); // id of a field -> what asked for it
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target } = event.detail;
  if (target.contains(document.activeElement) || elt === document.activeElement) worked.set(target.id, elt);
});
document.addEventListener("htmx:afterSettle", (event) => {
  const field = document.getElementById(event.detail.elt.id);
  if (!field?.matches(".field") || !worked.has(field.id)) return;
  const active = document.activeElement;
  const stayed = active === document.body || active === worked.get(field.id) || field.contains(active);
  if (field.getAttribute("hx-trigger") !== "load") worked.delete(field.id);
  if (!stayed) return;
  const control = first(field, field.dataset.state === "saved" ? [".field-edit"] : FOCUS);
  control?.focus();
  if (field.dataset.state === "editing") control?.select?.();
});
const first = (place, kinds = FOCUS) => kinds
  .flatMap((kind) => [...place.querySelectorAll(kind)]).find((one) => one.checkVisibility());
// What takes the focus, the first that can be seen: what is new or wrong before what comes first.
const FOCUS = [
  "[data-focus]",
  "[aria-invalid=true]",
  "[type=tel]",
  "[type=radio]:checked, .form-control, .form-select, [type=radio], .actions .btn, .field-edit",
  ".field-value > .btn",
];

// While a save is under way: nothing more can be typed or sent, and seconds are counted from 2 s.
const clocks = new WeakMap();
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches(".field form.editor, form[data-guard]")) return;
  (form.closest(".field") ?? form).dataset.saving = "";
  form.setAttribute("aria-busy", "true");
  said.textContent = "";
  for (const input of form.querySelectorAll("input")) input.readOnly = true;
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const began = Date.now();
  clocks.set(form, setInterval(() => {
    const seconds = Math.round((Date.now() - began) / 1000);
    if (seconds >= 2) form.querySelector("[data-seconds]").textContent = `, ${seconds} s`;
  }, 1000));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!clocks.has(form)) return;
  clearInterval(clocks.get(form));
  clocks.delete(form);
  delete (form.closest(".field") ?? form).dataset.saving;
  form.removeAttribute("aria-busy");
  for (const input of form.querySelectorAll("input")) input.readOnly = false;
  for (const button of form.querySelectorAll("button")) button.disabled = false;
});

// A revealed value is out of sight as soon as it is to be hidden, whatever comes of the request.
document.addEventListener("htmx:beforeRequest", (event) => {
  const revealed = event.detail.elt.closest("[data-state=revealed]");
  for (const secret of revealed?.querySelectorAll("[data-secret]") ?? []) secret.textContent = document.body.dataset.hidden;
});

// A search that takes longer than 300 ms says so, and can be left.
document.addEventListener("submit", ({ target: form }) => {
  if (!form.matches("form[role=search][method=post]")) return;
  const place = document.getElementById("notices");
  const before = [...place.childNodes];
  const shown = setTimeout(() => {
    place.replaceChildren(document.getElementById("searching").content.cloneNode(true));
    place.querySelector("[data-leave]").addEventListener("click", leave);
  }, 300);
  const over = () => {
    clearTimeout(shown);
    if (place.querySelector("[data-leave]")) place.replaceChildren(...before);
  };
  const leave = () => {
    htmx.trigger(form, "htmx:abort");
    stop(); // the page with what was found is on its way already
    over();
    form.q.focus();
  };
  form.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.xhr.getResponseHeader("HX-Redirect")) over();
  }, { once: true });
});

// This site itself did not answer: the form stays as it is.
const unreachable = () => {
  const place = document.getElementById("notices");
  place.replaceChildren(document.getElementById("unreachable").content.cloneNode(true));
  place.scrollIntoView({ block: "nearest" });
};
document.addEventListener("htmx:sendError", unreachable);
// An error that is not ours, a proxy's page: it must not take the form's place.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 400 || xhr.getResponseHeader("X-Request-ID")) return;
  event.detail.shouldSwap = false;
  unreachable();
});
document.addEventListener("htmx:timeout", unreachable);

// What was done, or a summary of mistakes, is read first, else a page that is a form begins in it
// (one of several parts does not); of a page whose main part was replaced, what is new in it.
addEventListener("load", () => {
  const told = document.querySelector("#summary, #filters [data-focus], #notices:has(.notice[data-tone=ok])");
  const form = document.querySelector("main :is(form.editor, form[data-guard]):not(.split :is(#settle, #revert) *)");
  if (told) told.focus();
  else if (form && document.activeElement === document.body) first(form.querySelector(".form-section") ?? form)?.focus();
});
document.addEventListener("htmx:afterSettle", ({ target, detail }) => {
  if (!detail.requestConfig.triggeringEvent) return; // by a timer: nobody asked for it
  const part = target.closest("#list, #group, #create, #settle, #forget, #revert, .reveal");
  part?.querySelector("[data-focus], [aria-invalid=true]")?.focus();
});

// Typing is not lost by leaving a long form or an open editor by mistake.
const typed = () => document.querySelectorAll("form[data-typed]");
document.addEventListener("input", (event) => {
  event.target.closest("form[data-guard], form.editor")?.setAttribute("data-typed", "");
});
document.addEventListener("submit", ({ target }) => delete target.dataset.typed); // it is on its way
for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, ({ target }) => {
    if (target.matches("form[data-guard], form.editor")) target.dataset.typed = "";
  });
}
document.addEventListener("htmx:confirm", (event) => {
  const { question } = event.target.dataset;
  const lost = event.target.matches("[data-gate]") ? typed()[0] : event.target.closest("[data-typed]");
  if (question && lost && !confirm(question)) event.preventDefault();
});
addEventListener("beforeunload", (event) => { if (typed().length) event.preventDefault(); });

// After a sign-out nothing of a customer stays on the screen: the other tabs of this browser go to the
// gate, and a page that Back brings back as it was is asked for again.
const signOut = document.querySelector("form[data-gate]");
const door = new BroadcastChannel("crmadmin");
const forget = () => { for (const form of typed()) delete form.dataset.typed; };
let leaving = false; // by the provider's sign-out, which the answer of another tab must not cut short
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt, xhr } = event.detail;
  if (!elt.matches("form[data-gate]") || xhr.status >= 400) return;
  forget();
  leaving = true;
  door.postMessage("here");
});
const gate = document.querySelector("[data-signed-out]");
if (gate) door.postMessage(gate.dataset.signedOut);
door.addEventListener("message", ({ data }) => {
  // The provider has led one tab back, so its own session has ended: the others say so, too. Whichever
  // of two is the later one, they tell each other, and whoever said something else asks again.
  if (gate && data !== gate.dataset.signedOut) location.reload();
  if (!signOut || leaving) return;
  forget();
  location.replace(signOut.dataset.gate);
});
addEventListener("pageshow", (event) => {
  if (event.persisted && signOut) location.reload();
});

// What a page asks for by itself, on a timer or when it is shown, is no work of the person's.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["X-Background"] = "true";
});
