// Tables are sorted by a click on a heading; without scripts they stay as they are.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    head.classList.add("can");
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th[aria-sort]").forEach(h => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = row => row.children[column].textContent;
      const number = text => parseFloat(text.replace(/,/g, ""));
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((p, q) => {
        const a = value(p), b = value(q), x = number(a), y = number(b);
        if (column === 0) return a < b ? -1 : a > b ? 1 : 0;
        return (isNaN(x) ? Infinity : x) - (isNaN(y) ? Infinity : y) || 0;
      });
      body.append(...(down ? rows.reverse() : rows));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", e => { if (e.key === "Enter") sort(); });
  });
}
