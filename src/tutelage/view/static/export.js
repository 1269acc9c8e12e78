// The class book of an exported page: filters as those of the server, and words. A link to a story opens it.
"use strict";

const form = document.querySelector("form.filter");
const rows = [...document.querySelectorAll("tr[data-course]")];
const found = document.querySelector("#found");

function filter() {
  const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const story = document.getElementById(`problem-${row.dataset.id}`);
    const text = (row.textContent + (story ? story.textContent : "")).toLowerCase();
    row.hidden = isExcluded(row.dataset) || words.some((word) => !text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  found.textContent = `${shown} of ${rows.length} problems`;
}

// By the choices beside the words. Kinds are numbers: names may hold spaces.
function isExcluded(row) {
  const kind = form.elements.kind && form.elements.kind.value;
  if (kind && !row.kinds.split(" ").includes(kind)) return true;
  return ["course", "taught", "rejected"].some((name) => form.elements[name].value && row[name] !== form.elements[name].value);
}

function open() {
  const aim = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const story = aim && aim.closest("details.story");
  if (story) {
    story.open = true;
    aim.scrollIntoView();
  }
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
}
addEventListener("hashchange", open);
open();
