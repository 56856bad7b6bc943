// An export with its progress in the page. Without this file the browser's own download shows it.
const form = document.getElementById("export");
const state = document.getElementById("export-state");

const show = (name, values) => {
  for (const part of state.querySelectorAll(".panel")) part.hidden = part.dataset.state !== name;
  const part = state.querySelector(`[data-state=${name}]`);
  for (const [key, value] of Object.entries(values)) {
    const place = part.querySelector(`[data-${key}]`);
    if (place) place.textContent = value;
  }
  return part;
};
const sized = (bytes) => {
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${size.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })} ${unit}`;
};

const read = async (answer) => {
  const reader = answer.body.getReader();
  const parts = [];
  let size = 0;
  let rows = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { file: new Blob(parts), size, rows };
    parts.push(value);
    size += value.length;
    for (const byte of value) if (byte === 10) rows += 1;
    show("running", { rows: rows.toLocaleString(), size: sized(size) });
  }
};

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const stop = new AbortController();
  const address = event.submitter?.getAttribute("formaction") ?? form.action;
  const part = show("running", { rows: "0", size: sized(0) });
  part.querySelector("[data-stop]").onclick = () => stop.abort();
  part.querySelector("h2").focus();
  try {
    const answer = await fetch(address, { method: "POST", body: new FormData(form), signal: stop.signal });
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    if (!name) { // a page: it says what is wrong
      form.action = address;
      form.submit();
      return;
    }
    const { file, size, rows } = await read(answer); // a connection that breaks raises here
    const bytes = size < 64e6 && crypto.subtle ? await crypto.subtle.digest("SHA-256", await file.arrayBuffer()) : null;
    const digest = bytes ? [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "–";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    show("done", { name, rows: rows.toLocaleString(), size: sized(size), digest }).querySelector("h2").focus();
  } catch {
    show("broken", {}).querySelector("h2").focus();
  }
});
