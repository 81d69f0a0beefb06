// Tables sort by a click on a heading, or Enter on it: rising, falling, and back to the order of print. Rows stay in
// their group; what is missing stays last. Without this script the page is complete and its tables do not sort.
"use strict";

const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

// Numbers come before words.
function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return Number.isNaN(x) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
}

function sort(table, column, order) {
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("title"));
    const key = (row) => row.cells[column].dataset.key;
    rows.sort((a, b) => {
      const missing = (key(a) === "") - (key(b) === "");
      if (order === "none") return a.dataset.place - b.dataset.place;
      return missing || (order === "ascending" ? compare(key(a), key(b)) : compare(key(b), key(a)));
    });
    body.append(...rows);
  }
}

for (const table of document.querySelectorAll("table")) {
  const bodies = [...table.tBodies];
  if (bodies.every((body) => body.rows.length < 3)) continue;
  for (const body of bodies) [...body.rows].forEach((row, place) => (row.dataset.place = place));
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (!heading.textContent.trim() || heading.querySelector("a")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.ariaSort = "none";
    button.addEventListener("click", () => {
      const order = NEXT[heading.ariaSort];
      for (const other of headings) if (other.ariaSort) other.ariaSort = "none";
      heading.ariaSort = order;
      sort(table, column, order);
    });
  });
}
