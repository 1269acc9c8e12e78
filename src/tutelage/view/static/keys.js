// Keys: / to the search, n and p (or → and ←) to the next and previous page or problem, u up to the list.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      search.focus();
      search.select();
      event.preventDefault();
    }
    return;
  }
  const sideways = event.target.closest?.(".scroll, pre, summary") ? "" : event.key; // arrows scroll there
  const wanted = { n: "next", ArrowRight: "next", p: "prev", ArrowLeft: "prev", u: "up" }[sideways] ??
    { n: "next", p: "prev", u: "up" }[event.key];
  const link = wanted && !event.shiftKey && document.querySelector(`a[rel~="${wanted}"]`);
  if (link) link.click();
});
