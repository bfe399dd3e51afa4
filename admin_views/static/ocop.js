/* Conveniences of the screens. Every page works without this file, suggestions under a field excepted.
   Plain script, no library; the pages mark what it serves with data-* attributes. */
"use strict";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const typing = (event) => event.isComposing || event.keyCode === 229;
const say = (text) => { const live = one("#o-live"); if (live) live.textContent = text; };
const number = new Intl.NumberFormat("vi-VN");
const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();

document.documentElement.classList.add("o-js");
for (const item of all("[data-all], [data-none], [data-tick-all], [data-show], [data-copy], [data-keys]")) item.hidden = false;
one("[data-focus]")?.focus();

/* Rows: ticks, the bulk bar, moving about */

const ticks = all("input[name=pks][form=bulk]");
const tickAll = one("[data-tick-all]");
const every = one("#bulk input[name=all]");
let lastTick = null;

function showPicked() {
  const bar = one("[data-picked]");
  if (!bar) return;
  const picked = ticks.filter((tick) => tick.checked).length;
  if (picked < ticks.length) every.disabled = true;
  const count = every.disabled ? number.format(picked) : `tất cả ${bar.dataset.matching}`;
  bar.textContent = `Đã chọn ${count} ${bar.dataset.noun}`;
  one("[data-all]").hidden = !every.disabled;
  tickAll.checked = picked === ticks.length;
  tickAll.indeterminate = picked > 0 && picked < ticks.length;
}

function tickRow(tick, upToHere) {
  const from = ticks.indexOf(lastTick), to = ticks.indexOf(tick);
  if (upToHere && from >= 0) for (let i = Math.min(from, to); i <= Math.max(from, to); i++) ticks[i].checked = tick.checked;
  lastTick = tick;
  showPicked();
}

for (const tick of ticks) tick.addEventListener("click", (event) => tickRow(tick, event.shiftKey));
tickAll?.addEventListener("change", () => { for (const tick of ticks) tick.checked = tickAll.checked; showPicked(); });
one("[data-all]")?.addEventListener("click", () => {
  for (const tick of ticks) tick.checked = true;
  every.disabled = false;
  showPicked();
  one("[data-none]").focus();
});
one("[data-none]")?.addEventListener("click", () => {
  for (const tick of ticks) tick.checked = false;
  showPicked();
  tickAll.focus();
});
showPicked();

const rowLinks = all("[data-rows] tbody th a");

function step(by) {
  const at = rowLinks.indexOf(document.activeElement);
  const next = rowLinks[at < 0 ? 0 : at + by];
  next?.focus();
  return next !== undefined;
}

/* Keys */

const keysOff = "ocop-phim-tat-tat";
const keySheet = one("#o-keys");
const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

function openKeys() {
  if (!keySheet || keySheet.open) return;
  for (const key of all("[data-needs]", keySheet)) {
    key.hidden = key.nextElementSibling.hidden = key.dataset.needs !== "" && !one(key.dataset.needs);
  }
  keySheet.showModal();
}

if (keySheet) {
  const switched = one("#o-keys-on");
  switched.checked = stored(keysOff) === null;
  switched.addEventListener("change", () => {
    try { if (switched.checked) localStorage.removeItem(keysOff); else localStorage.setItem(keysOff, "1"); } catch { /* private window: holds until the page is left */ }
  });
  one("[data-keys]").addEventListener("click", openKeys);
}

function closePop(pop, back) {
  pop.open = false;
  if (back) one("summary", pop).focus();
}

document.addEventListener("keydown", (event) => {
  if (typing(event) || event.defaultPrevented) return;
  const at = event.target;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "s") {
    const save = one("[data-save]");
    if (save) { event.preventDefault(); save.click(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || keySheet?.open) return;
  if (event.key === "Escape") {
    const pop = one(".o-pop[open]");
    if (pop) closePop(pop, true);
    else if (at.matches("[data-search]")) at.blur();
    return;
  }
  const onRow = rowLinks.includes(at);
  if (onRow && event.key === " ") {
    const tick = one("input[name=pks]", at.closest("tr"));
    if (tick) { event.preventDefault(); tick.checked = event.shiftKey || !tick.checked; tickRow(tick, event.shiftKey); }
    return;
  }
  if (onRow && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    if (step(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    return;
  }
  if (at.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  if (keySheet && !one("#o-keys-on").checked) return;
  const key = event.key.toLowerCase();
  if (key === "?") { event.preventDefault(); openKeys(); }
  else if (key === "/" && one("[data-search]")) { event.preventDefault(); one("[data-search]").focus(); }
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (/^[a-z]$/.test(key)) {
    const target = one(`[data-key="${key}"]`);
    if (!target || (target.form?.id === "bulk" && !ticks.some((tick) => tick.checked))) return;
    event.preventDefault();
    target.click();
    if (key === "l") one("input, select", target.parentElement)?.focus();
  }
});

document.addEventListener("click", (event) => {
  for (const pop of all(".o-pop[open]")) if (!pop.contains(event.target)) closePop(pop, false);
});

/* Autocomplete: the WAI-ARIA combobox; while a Vietnamese letter is being composed nothing happens */

function combobox(input) {
  const list = document.getElementById(input.getAttribute("aria-controls"));
  const hidden = input.nextElementSibling;
  let current = -1, timer = 0, asked = null;

  const close = () => {
    list.hidden = true;
    current = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    const items = all("[role=option]", list);
    current = (index + items.length) % items.length;
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === current)));
    input.setAttribute("aria-activedescendant", items[current].id);
    items[current].scrollIntoView({ block: "nearest" });
  };
  const choose = (item) => {
    input.value = item.dataset.text;
    hidden.value = item.dataset.id;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const matched = (text, term) => {
    const span = document.createElement("span");
    const letters = [...text.normalize("NFC")];
    const start = fold(text).indexOf(fold(term));
    if (start < 0 || fold(text).length !== letters.length) { span.textContent = text; return span; }
    const end = start + fold(term).length, bold = document.createElement("mark");
    bold.textContent = letters.slice(start, end).join("");
    span.append(letters.slice(0, start).join(""), bold, letters.slice(end).join(""));
    return span;
  };
  const show = (results, term) => {
    list.replaceChildren(...results.map((result, i) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${i}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.id = result.id;
      item.dataset.text = result.text;
      item.append(result.text);
      if (result.hint) item.append(" ", matched(result.hint, term));
      return item;
    }));
    current = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = results.length === 0;
    input.setAttribute("aria-expanded", String(results.length > 0));
    say(results.length ? `${results.length} gợi ý` : "Không có gợi ý nào khớp.");
  };
  const ask = async () => {
    asked?.abort();
    const term = input.value.trim();
    if (!term) return close();
    asked = new AbortController();
    const url = new URL(input.dataset.lookup, document.baseURI);
    url.searchParams.set("term", term);
    try {
      const answer = await fetch(url, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const { results } = await answer.json();
      if (document.activeElement === input) show(results, term);
    } catch (error) {
      if (error.name === "AbortError") return;
      close();
      say("Chưa lấy được gợi ý. Gõ đúng tên đầy đủ hoặc thử lại sau.");
    }
  };
  const changed = () => {
    hidden.value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  };

  input.addEventListener("input", (event) => { if (!event.isComposing) changed(); });
  input.addEventListener("compositionend", changed);
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => { const item = event.target.closest("[role=option]"); if (item) choose(item); });
  input.addEventListener("keydown", (event) => {
    if (typing(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else mark(event.key === "ArrowDown" ? current + 1 : current < 0 ? -1 : current - 1);
    } else if (event.key === "Enter" && !list.hidden && current >= 0) {
      event.preventDefault();
      choose(list.children[current]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
}

for (const input of all("[data-lookup]")) combobox(input);

/* What a record form sends is kept in this tab until a page says what came of it: where the session had ended, the form
   has it again once the same person has signed in. Forms with a password keep nothing. */

const keepPrefix = "ocop-giu:";
const keptAs = (address) => keepPrefix + new URL(address, document.baseURI).pathname;
const tried = (work) => { try { return work(); } catch { return null; /* no storage: nothing is kept */ } };
const keeping = one("form[data-keep]");

function keep(form) {
  if (!form.matches("[data-keep]") || one("[type=password]", form)) return;
  const fields = [...form.elements].filter((field) => field.name && field.type !== "submit" && (field.type !== "radio" || field.checked));
  const typed = fields.map((field) => [field.name, field.value]);
  tried(() => sessionStorage.setItem(keptAs(form.getAttribute("action")), JSON.stringify({ who: form.dataset.keep, typed })));
}

function giveBack(form) {
  const kept = tried(() => JSON.parse(sessionStorage.getItem(keptAs(form.getAttribute("action")))));
  if (!kept || kept.who !== form.dataset.keep || "changed" in form.dataset) return;
  for (const [name, value] of kept.typed) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
  const note = one("[data-restored]");
  note.hidden = false;
  note.focus();
}

function forget(except) {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(keepPrefix) && name !== except) sessionStorage.removeItem(name);
}

if (keeping) giveBack(keeping);
const waiting = one("[data-waiting]");
const waitingFor = waiting?.dataset.waiting && keptAs(waiting.dataset.waiting);
if (waiting && tried(() => sessionStorage.getItem(waitingFor))) {
  waiting.hidden = false;
  for (const other of all("[data-waiting] + .o-note:not(#loi)")) other.hidden = true;
}
// A conflict may still lose its session, a password may stand between the sign-in and the form.
if (!one("[data-choices], [type=password]") || waiting) tried(() => forget(waitingFor));

/* Forms: what is not saved, sending once */

const guarded = one("form[data-unsaved]");
let leaving = false;

function differs(field) {
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.type === "radio") return field.checked && !field.defaultChecked;
  if (field.tagName === "SELECT") {
    const first = [...field.options].findLast((option) => option.defaultSelected) ?? field.options[0];
    return first !== undefined && field.value !== first.value;
  }
  return field.value !== field.defaultValue;
}

function showUnsaved() {
  const places = [...guarded.elements].filter((field) => field.name && !["hidden", "submit"].includes(field.type) && differs(field)).length;
  const refused = "changed" in guarded.dataset; // the server gave the form back: what is typed is not saved
  const text = places ? `Có ${places} chỗ chưa lưu` : refused ? "Chưa lưu" : "";
  const state = one("[data-state]", guarded);
  if (state.textContent !== text) state.textContent = text;
  return text !== "";
}

if (guarded) {
  guarded.addEventListener("input", showUnsaved);
  guarded.addEventListener("change", showUnsaved);
  window.addEventListener("beforeunload", (event) => { if (!leaving && showUnsaved()) event.preventDefault(); });
  showUnsaved();
}

const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.method === "get") {
    for (const field of form.elements) {
      const chosen = field.dataset?.lookup && field.nextElementSibling.value;
      if ("tidy" in form.dataset && field.name && (field.value === "" || chosen)) field.disabled = true;
    }
    return;
  }
  if (sent.has(form)) { event.preventDefault(); return; }
  sent.add(form);
  keep(form);
  leaving = leaving || form === guarded;
  setTimeout(() => { for (const button of form.elements) if (button.type === "submit") button.disabled = true; });
});

/* Coming back with the Back button shows the page as it was left: let it be sent again. */
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  leaving = false;
  for (const form of document.forms) {
    sent.delete(form);
    for (const field of form.elements) if (field !== every) field.disabled = false;
  }
});

for (const select of all("[data-send]")) select.addEventListener("change", () => select.form.requestSubmit());

/* Choices between two versions: say how many are missing */

const choices = all("[data-choose]");

function showChoices() {
  const missing = new Set(choices.map((choice) => choice.name));
  for (const choice of choices) if (choice.checked) missing.delete(choice.name);
  one("[data-choices]").textContent = missing.size ? `Còn ${missing.size} chỗ chưa chọn, chọn rồi mới lưu được.` : "Đã chọn đủ.";
}

for (const choice of choices) choice.addEventListener("change", showChoices);
if (choices.length) showChoices();

/* Small things */

for (const button of all("[data-show]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.show);
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.lastChild.textContent = shown ? "Hiện" : "Ẩn";
  });
}

for (const button of all("[data-copy]")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.lastChild.textContent = "Đã chép";
      say("Đã chép mã.");
    } catch {
      say("Trình duyệt không cho chép. Đọc mã trên màn hình.");
    }
  });
}

const dated = one("[data-dated]");

if (dated) {
  const label = one("label[for=o-as_of]");
  const optional = one(".o-optional", label) ?? Object.assign(document.createElement("span"), { className: "o-optional", textContent: "(không bắt buộc)" });
  const only = one("[data-dated-only]");
  const show = () => {
    const needed = dated.dataset.dated.split(" ").includes(dated.value);
    if (needed) optional.remove(); else label.append(" ", optional);
    if (only) only.hidden = only.disabled = !needed;
  };
  dated.addEventListener("change", show);
  show();
}

for (const drop of all("[data-drop]")) {
  const input = one("input[type=file]", drop);
  input.addEventListener("change", () => {
    const file = input.files[0];
    one("[data-file-name]", drop).textContent = file ? file.name : "Thả tệp vào đây hoặc bấm để chọn";
    one("[data-file-size]", drop).textContent = file ? `${number.format(Math.ceil(file.size / 1024))} KB` : "";
    one(".o-btn", drop).textContent = file ? "Chọn tệp khác" : "Chọn tệp";
  });
  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    input.addEventListener(name, () => drop.classList.toggle("is-over", over));
  }
}

/* Long work: look again every second; when it is done the page that follows says what came of it. */

async function lookAgain(running) {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const now = answer.ok && one("[data-running]", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (answer.ok && !now) { location.replace(location.href); return; }
    if (now) running.replaceChildren(...now.childNodes);
  } catch {
    /* The server is away for a moment: the next look may reach it. */
  }
  setTimeout(lookAgain, 1000, running);
}

const running = one("[data-running]");
if (running) setTimeout(lookAgain, 1000, running);

window.addEventListener("beforeprint", () => {
  for (const place of all("[data-now]")) {
    place.textContent = new Date().toLocaleString("vi-VN", { dateStyle: "short", timeStyle: "short" });
  }
});
