"use strict";
// The state is the address: #name=...&status=failed&sort=seconds&order=descending.
const rows = [...document.querySelectorAll("#cases tbody tr")];
const cards = new Map(rows.map((row) => [row, document.getElementById(row.dataset.card)]));
const headings = [...document.querySelectorAll("#cases th[data-key]")];
const form = document.getElementById("controls");
const search = document.getElementById("name");
let sorting = { key: "", order: "ascending" };

function value(row, column) {
  const { value: text } = row.cells[column].dataset;
  return headings[column].dataset.kind === "number" && text !== "" ? Number(text) : text;
}

function compare(column, order) {
  const sign = order === "descending" ? -1 : 1;
  return (one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === "" || b === "") return (a === "") - (b === ""); // what is absent comes last in either order
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  };
}

function sort() {
  const column = headings.findIndex((heading) => heading.dataset.key === sorting.key);
  const sorted = column < 0 ? rows : [...rows].sort(compare(column, sorting.order));
  headings.forEach((heading, place) => heading.setAttribute("aria-sort", place === column ? sorting.order : "none"));
  sorted[0]?.parentNode.append(...sorted);
  document.getElementById("cards").append(...sorted.map((row) => cards.get(row)));
}

function filter() {
  const status = form.elements.status.value;
  const part = search.value.trim().toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = (!status || row.dataset.status === status) && row.dataset.name.toLowerCase().includes(part);
    row.hidden = cards.get(row).hidden = !fits;
    count += fits;
  }
  document.getElementById("shown").textContent = `${count} of ${rows.length} cases shown`;
  document.getElementById("none").hidden = count > 0;
}

function remember() {
  const state = new URLSearchParams();
  if (search.value) state.set("name", search.value);
  if (form.elements.status.value) state.set("status", form.elements.status.value);
  if (sorting.key) {
    state.set("sort", sorting.key);
    state.set("order", sorting.order);
  }
  history.replaceState(null, "", `#${state}`);
}

function restore() {
  if (location.hash.startsWith("#c")) return; // a link to a case, or to all of them
  const state = new URLSearchParams(location.hash.slice(1));
  search.value = state.get("name") ?? "";
  const chosen = [...form.elements.status].find((radio) => radio.value === (state.get("status") ?? ""));
  if (chosen) chosen.checked = true;
  sorting = { key: state.get("sort") ?? "", order: state.get("order") === "descending" ? "descending" : "ascending" };
  sort();
  filter();
}

for (const heading of headings) {
  heading.querySelector("button").addEventListener("click", () => {
    const again = heading.dataset.key === sorting.key && sorting.order === "ascending";
    sorting = { key: heading.dataset.key, order: again ? "descending" : "ascending" };
    sort();
    remember();
  });
}
form.addEventListener("input", () => {
  filter();
  remember();
});
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", restore);
form.hidden = false;
restore();
