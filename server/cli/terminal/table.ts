/** A column of a table: its heading and how it is laid out. */
export type Column = {
  readonly heading: string;
  readonly align: "left" | "right";
  /** Where a line is too long, columns are left out in this order, the lowest first; 0 stays. */
  readonly dropped: number;
};

const gap = "  ";

/**
 * Lines of a table that are no wider than `width` (Infinity: as wide as they get). What does not fit is left out by column, then cut
 * with an ellipsis. Letters of double width count as two.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const all = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => Bun.stringWidth(row[at] ?? ""))));
  let shown = columns.map((_, at) => at);
  const total = () => shown.reduce((sum, at) => sum + (widths[at] ?? 0) + gap.length, -gap.length);
  while (total() > width) {
    const droppable = shown.filter((at) => (columns[at]?.dropped ?? 0) > 0);
    const next = droppable.toSorted((a, b) => (columns[a]?.dropped ?? 0) - (columns[b]?.dropped ?? 0))[0];
    if (next === undefined) break;
    shown = shown.filter((at) => at !== next);
  }
  return all.map((row) => {
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
