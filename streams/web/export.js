// What one takes along: tables as CSV that Excel opens, and the file that a browser saves.

/** Saves bytes under a name. */
export function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[\\/:*?"<>|\s]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** One cell. A text that a spreadsheet would take for a formula is kept from being one (OWASP: CSV injection). */
export function cell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(Math.round(value * 10_000) / 10_000);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** CSV by RFC 4180, with the mark by which Excel knows that it is UTF-8. */
export const csv = (head, rows) => `\ufeff${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

export const saveCsv = (name, head, rows) => save(`${name}.csv`, new Blob([csv(head, rows)], { type: "text/csv;charset=utf-8" }));
