// The page works as text without this file; with it calls are found and tried. Nothing leaves this server.
"use strict";

const SLOW_MS = 60_000;
const token = document.getElementById("token");
const server = document.body.dataset.server || location.origin;

const syntax = () => document.querySelector("input[name=syntax]:checked").value;

/** What a form would send. */
function wish(form) {
  const { method, path } = form.dataset;
  let target = path;
  const query = new URLSearchParams();
  const headers = { Accept: `application/${syntax()}` };
  for (const field of form.querySelectorAll("[data-place]")) {
    const { name, place } = field.dataset;
    const value = field.value;
    if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === "query") query.append(name, value);
    else if (value && place === "header") headers[name] = value;
  }
  if (query.size) target += `?${query}`;
  const areas = [...form.querySelectorAll("textarea")];
  const area = areas.find((one) => one.dataset.syntax === syntax()) || areas[0];
  if (area) headers["Content-Type"] = area.dataset.type;
  return { method, target, headers, body: area && area.value };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same as a line for a shell; the token stays a variable, so that it is not shown. */
function curl({ method, target, headers, body }) {
  const parts = ["curl", ...(method === "GET" ? [] : ["-X", method]), quoted(server + target)];
  if (token.value) parts.push("-H", '"Authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push("-H", quoted(`${name}: ${value}`));
  if (body) parts.push("--data-raw", quoted(body));
  return parts.join(" ");
}

const showCurl = (form) => { form.querySelector("[data-curl]").textContent = curl(wish(form)); };

function pretty(text, type) {
  if (type.includes("json")) {
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  }
  let depth = 0;
  return text.replace(/>\s*</g, ">\n<").split("\n").map((line) => {
    if (/^<\//.test(line)) depth -= 1;
    const shown = "  ".repeat(Math.max(depth, 0)) + line;
    if (/^<[^?!/][^>]*[^/]?>$/.test(line) && !/<\//.test(line) && !/\/>$/.test(line)) depth += 1;
    return shown;
  }).join("\n");
}

/** The answer's own status and words, in either syntax. */
function outcome(text, type) {
  if (type.includes("json")) {
    try { return JSON.parse(text); } catch { return {}; }
  }
  const root = new DOMParser().parseFromString(text, "application/xml").documentElement;
  const word = (name) => [...root.children].find((one) => one.tagName === name)?.textContent;
  return { status: Number(word("status")), message: word("message"), details: word("details") };
}

async function send(form) {
  const result = form.querySelector(".result");
  const button = form.querySelector("button[type=submit]");
  const say = (kind, words, answer) => {
    result.dataset.kind = kind;
    result.querySelector("[data-outcome]").textContent = words;
    result.querySelector("[data-answer]").textContent = answer;
    result.querySelector("pre").hidden = !answer;
    result.hidden = false;
  };
  const { method, target, headers, body } = wish(form);
  if (token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
  button.disabled = true;
  const start = performance.now();
  try {
    const reply = await fetch(target, {
      method, headers, body: method === "GET" ? undefined : body, credentials: "omit", signal: AbortSignal.timeout(SLOW_MS),
    });
    const type = reply.headers.get("content-type") || "";
    const took = () => `HTTP ${reply.status}, ${Math.round(performance.now() - start)} ms`;
    if (!/json|xml/.test(type)) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await reply.blob());
      link.download = /filename="([^"]*)"/.exec(reply.headers.get("content-disposition") || "")?.[1] || "answer";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), SLOW_MS);
      say("good", `${took()}: a file, ${link.download}`, "");
      return;
    }
    const text = await reply.text();
    const { status, message, details } = outcome(text, type);
    say(status > 0 ? "good" : "bad", `Status ${status} ${message}${details ? `: ${details}` : ""} (${took()})`, pretty(text, type));
  } catch (error) {
    say("bad", `No answer: ${error.message}`, "");
  } finally {
    button.disabled = false;
  }
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const call of document.querySelectorAll("details.call")) {
    const matches = words.every((word) => call.dataset.find.includes(word));
    call.hidden = !matches;
    document.querySelector(`[data-call="${call.id}"]`).hidden = !matches;
    found += matches;
  }
  for (const chapter of document.querySelectorAll(".chapter")) chapter.hidden = !chapter.querySelector("details.call:not([hidden])");
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector("li:not([hidden])");
  document.getElementById("start").hidden = words.length > 0;
  document.getElementById("nothing").hidden = found > 0;
}

function openNamed() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const link of document.querySelectorAll("[data-call] a")) {
    if (named && link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (named && named.matches("details.call")) {
    named.open = true;
    named.scrollIntoView();
  }
}

try { token.value = sessionStorage.getItem("token") || ""; } catch { /* kept in the field alone */ }
token.addEventListener("input", () => {
  try { sessionStorage.setItem("token", token.value); } catch { /* kept in the field alone */ }
  document.querySelectorAll("details[open] form.try").forEach(showCurl);
});
for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
  form.addEventListener("input", () => showCurl(form));
  form.querySelector("[data-copy]").addEventListener("click", async (event) => {
    await navigator.clipboard.writeText(form.querySelector("[data-curl]").textContent);
    event.target.textContent = "Copied";
    setTimeout(() => { event.target.textContent = "Copy"; }, 1500);
  });
  form.closest("details").addEventListener("toggle", () => showCurl(form));
}
for (const choice of document.querySelectorAll("input[name=syntax]")) {
  choice.addEventListener("change", () => document.querySelectorAll("details[open] form.try").forEach(showCurl));
}
const search = document.getElementById("find");
search.addEventListener("input", () => find(search.value));
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    search.focus();
  }
});
if (matchMedia("(max-width: 56rem)").matches) document.getElementById("contents").open = false;
document.getElementById("contents").addEventListener("click", (event) => {
  if (event.target.closest("a") && matchMedia("(max-width: 56rem)").matches) document.getElementById("contents").open = false;
});
addEventListener("hashchange", openNamed);
openNamed();
