// Keeps a page of a run up to date: asks for the run's pulse, and when it has changed, fetches the page again and takes
// over what differs in the elements marked `data-live`. Scroll, focus, what is typed and what is open stay.
"use strict";

(() => {
  const PULSE = document.body.dataset.pulse;
  if (!PULSE) return;
  const QUICK = 700, SLOW = 1500; // milliseconds between two looks, at a run at work and at one that is still
  let was = "", timer = 0, busy = false;

  async function look() {
    if (document.hidden || busy) return;
    busy = true;
    let wait = SLOW;
    try {
      const answer = await fetch(PULSE, { cache: "no-store" });
      const [state, now] = (await answer.text()).split(" ");
      if (answer.ok) {
        wait = state === "live" ? QUICK : SLOW;
        if (now !== was) {
          const began = performance.now();
          if (await refresh()) was = now;
          wait = Math.max(wait, 4 * (performance.now() - began)); // a slow page must not keep the machine busy
        }
      }
    } catch {
      // the server has ended, or is busy: look again later
    }
    busy = false;
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, wait);
  }

  async function refresh() {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (next && !typingIn(part)) morph(part, next);
    }
    document.title = fresh.title;
    return true;
  }

  function typingIn(part) {
    const focused = document.activeElement;
    return part.contains(focused) && focused.matches("input, textarea, select");
  }

  // Makes `old` equal to `next` with as few changes as there can be: elements that stay are the same elements.
  function morph(old, next) {
    if (old.isEqualNode(next)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.data = next.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    }
    const kept = new Set([...next.children].map((child) => child.id).filter(Boolean));
    let at = old.firstChild;
    for (const child of [...next.childNodes]) {
      while (at && at.id && at.id !== child.id && !kept.has(at.id)) at = dropped(at);
      const named = child.id && [...old.children].find((each) => each.id === child.id);
      const match = named || (at && same(at, child) ? at : null);
      if (match) {
        if (match !== at) old.insertBefore(match, at);
        else at = at.nextSibling;
        morph(match, child);
      } else {
        old.insertBefore(document.importNode(child, true), at);
      }
    }
    while (at) at = dropped(at);
  }

  function same(one, other) {
    return one.nodeType === other.nodeType && one.nodeName === other.nodeName && !one.id && !other.id;
  }

  function dropped(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  document.addEventListener("visibilitychange", look);
  look();
})();
