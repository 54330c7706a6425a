import { escapeHtml } from "../api/html.ts";

/** Columns that a phone shows in one line of fixed-width type. */
export const tableWidth = 36;

/** Rows of cells as a block of fixed-width type: the first column left, the others right, unless `left` names them. */
export function table(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, n) => Math.max(...rows.map((row) => widthOf(row[n] ?? ""))));
  const lines = rows.map((row) =>
    widths
      .map((width, n) => {
        const cell = row[n] ?? "";
        const room = " ".repeat(width - widthOf(cell));
        return left.includes(n) ? cell + room : room + cell;
      })
      .join(" ")
      .trimEnd(),
  );
  return `<pre>${lines.map(escapeHtml).join("\n")}</pre>`;
}

/** Columns that a text takes: letters of Korean, Chinese and Japanese take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of text)
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/.test(letter) ? 2 : 1;
  return width;
}
