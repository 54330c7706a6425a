/** A column of a table: heading and layout. */
export type Column = {
  readonly heading: string;
  readonly align: "left" | "right";
  /** Order in which columns are dropped from a table that is too wide, lowest first; 0 is never dropped. */
  readonly dropped: number;
};

const gap = "  ";

/**
 * Formats a table that is at most `width` wide (Infinity: no limit). If it is too wide, columns are dropped, then lines are cut with an
 * ellipsis. Characters of double width count as two.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const allRows = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, at) => Math.max(...allRows.map((row) => Bun.stringWidth(row[at] ?? ""))));
  let shown = columns.map((_, at) => at);
  const total = () => shown.reduce((sum, at) => sum + (widths[at] ?? 0) + gap.length, -gap.length);
  while (total() > width) {
    const droppable = shown.filter((at) => (columns[at]?.dropped ?? 0) > 0);
    const next = droppable.toSorted((a, b) => (columns[a]?.dropped ?? 0) - (columns[b]?.dropped ?? 0))[0];
    if (next === undefined) break;
    shown = shown.filter((at) => at !== next);
  }
  return allRows.map((row) => {
    const cells = shown.map((at) => pad(row[at] ?? "", widths[at] ?? 0, columns[at]?.align ?? "left"));
    return cut(cells.join(gap).trimEnd(), width);
  });
}

function pad(text: string, width: number, align: Column["align"]): string {
  const spaces = " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}

function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let shown = "";
  for (const letter of text) {
    if (Bun.stringWidth(shown + letter) > width - 1) break;
    shown += letter;
  }
  return `${shown}…`;
}
