import { escapeHtml } from "../api/html.ts";

/** Formats rows as a fixed-width block. Columns in `leftAligned` (by default the first) are left-aligned, the others right-aligned. */
export function table(rows: readonly (readonly string[])[], leftAligned: readonly number[] = [0]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, n) => Math.max(...rows.map((row) => widthOf(row[n] ?? ""))));
  const lines = rows.map((row) =>
    widths
      .map((width, n) => {
        const cell = row[n] ?? "";
        const room = " ".repeat(width - widthOf(cell));
        return leftAligned.includes(n) ? cell + room : room + cell;
      })
      .join(" ")
      .trimEnd(),
  );
  return `<pre>${lines.map(escapeHtml).join("\n")}</pre>`;
}

/** Returns the columns of a text. Korean, Chinese and Japanese characters take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of text)
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/.test(letter) ? 2 : 1;
  return width;
}
