// Keeps the parts of a page fresh: asks for the same address in JSON and puts the server's own HTML in place.
"use strict";

const EVERY_MS = 3000;
const parts = document.querySelectorAll("[data-live]");
const bar = document.querySelector("[data-refresh]");

function place(fresh) {
  for (const part of parts) {
    const html = fresh[part.dataset.live];
    // Somebody who is about to press a button keeps the button.
    if (html === undefined || part.contains(document.activeElement) || part.shown === html) continue;
    part.innerHTML = html;
    part.shown = html;
  }
}

async function refresh(clock, trouble) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(location.href, { headers, signal: AbortSignal.timeout(10000) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    place((await answer.json()).parts);
    clock.textContent = new Date().toISOString().slice(0, 19).replace("T", " ");
    trouble.textContent = "";
  } catch {
    trouble.textContent = "No answer from the server. What you see is old.";
  }
}

function keepFresh() {
  const clock = bar.querySelector("[data-clock]");
  const trouble = bar.querySelector("[data-trouble]");
  const toggle = bar.querySelector("[data-toggle]");
  let live = true;
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    live = !live;
    toggle.setAttribute("aria-pressed", String(live));
  });
  const turn = async () => {
    if (live && !document.hidden) await refresh(clock, trouble);
    setTimeout(turn, EVERY_MS);
  };
  setTimeout(turn, EVERY_MS);
}

if (bar && parts.length) keepFresh();
