// Keeps a page as it is now: told by the stream that something changed, it loads the page again and takes over the
// parts that differ. What it does, a page does without it by being loaded anew.
"use strict";
(() => {
  const button = document.getElementById("live");
  if (!button || !window.EventSource) return;
  const word = document.getElementById("live-word");
  const said = document.getElementById("said");
  const PACE = 1000, AGES = 5000, ANYWAY = 30000, TYPING = 120;
  let source = null, live = true, timer = 0, last = 0, loading = null;

  // What the server wrote of each part, so that ages that have moved on here are no difference.
  const written = new Map();
  const parts = (page) => page.querySelectorAll("[data-live]");
  for (const part of parts(document)) written.set(part.id, part.outerHTML);

  function say(state, text) {
    button.dataset.state = state;
    word.textContent = text;
  }

  // Names what has the focus so that it is found again in what takes the place of its part.
  function named(element) {
    if (element.id) return "#" + CSS.escape(element.id);
    const href = element.getAttribute("href") || element.closest("form")?.getAttribute("action");
    return href ? `${element.localName}[href="${CSS.escape(href)}"], form[action="${CSS.escape(href)}"] button` : null;
  }

  function take(page) {
    document.title = page.title;
    const focused = document.activeElement;
    for (const part of parts(page)) {
      if (written.get(part.id) === part.outerHTML) continue;
      const old = document.getElementById(part.id);
      if (!old) continue;
      written.set(part.id, part.outerHTML);
      const open = [...old.querySelectorAll("details")].map((one) => one.open);
      const again = old.contains(focused) ? named(focused) : null;
      const fresh = document.adoptNode(part);
      [...fresh.querySelectorAll("details")].forEach((one, n) => { one.open = Boolean(open[n]); });
      old.replaceWith(fresh);
      if (again) fresh.querySelector(again)?.focus({ preventScroll: true });
      if (part.id === "hero" || part.id === "list") {
        const text = fresh.querySelector("h1, h2").textContent.replace(/\s+/g, " ").trim();
        if (said.textContent !== text) said.textContent = text;
      }
    }
    ages();
  }

  async function load(address) {
    loading?.abort();
    const mine = loading = new AbortController();
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: mine.signal });
      if (answer.redirected && new URL(answer.url).pathname === "/login") return void location.assign("/login");
      if (!answer.ok) return void say("lost", "Not current");
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      last = Date.now();
      if (button.dataset.state === "lost") say("live", "Live");
    } catch (error) {
      if (error.name !== "AbortError") say("lost", "Not current");
    } finally {
      if (loading === mine) loading = null;
    }
  }

  function soon() {
    if (!live || timer || document.hidden) return;
    timer = setTimeout(() => { timer = 0; load(location.href); }, Math.max(0, last + PACE - Date.now()));
  }

  function open() {
    source = new EventSource("/api/v1/stream");
    source.onopen = () => { say("live", "Live"); soon(); };
    source.onerror = () => say("lost", "Reconnecting");
    for (const kind of ["status", "account", "reset"]) source.addEventListener(kind, soon);
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    live = !live;
    button.setAttribute("aria-pressed", String(live));
    if (live) return open();
    source.close();
    say("still", "Paused");
  });
  document.addEventListener("visibilitychange", soon);
  setInterval(() => { if (Date.now() - last > ANYWAY) soon(); }, ANYWAY / 3);

  // The same words as the server's.
  function span(seconds) {
    if (seconds < 120) return `${seconds} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} days`;
  }
  function ages() {
    const now = Date.now();
    for (const time of document.querySelectorAll("time:not([data-exact])")) {
      const seconds = Math.floor((now - Date.parse(time.dateTime)) / 1000);
      time.textContent = seconds <= -60 ? `in ${span(-seconds)}` : seconds < 1 ? "just now" : `${span(seconds)} ago`;
    }
  }
  setInterval(ages, AGES);

  // Filters answer while they are written, and stand in the address as if the form had been sent.
  for (const form of document.querySelectorAll("form[data-find]")) {
    let typing = 0;
    const find = () => {
      const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
      const address = form.getAttribute("action") + (String(asked) && "?" + asked);
      history.replaceState(null, "", address);
      load(address);
    };
    form.addEventListener("input", (event) => {
      if (!form.checkValidity()) return;
      clearTimeout(typing);
      typing = setTimeout(find, event.target.localName === "select" ? 0 : TYPING);
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); find(); });
  }

  open();
})();
