import type { Stream } from "../../domain/stream.ts";
import type { StreamMember } from "../../domain/stream-kind-facts.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import type { ExportColumn } from "../column.ts";

/** A value in a line: the bytes before it, how it is written, and the columns that it goes to (-1: no column). */
export type LineStep = {
  readonly before: Uint8Array;
  readonly form: "receipt" | "time" | "integer" | "delay" | "decimal" | "boolean" | "levels";
  /** For levels: the column of the first price. If levels are lists: the prices; the quantities follow in the next column. */
  readonly column: number;
  /** Column of the same time as a timestamp. */
  readonly timestamp: number;
  /** Levels a side that have columns of their own; 0 if levels are lists. */
  readonly levels: number;
};

/** The form of a stream's lines as Binance writes them: fixed text and values in turn. */
export type LineTemplate = {
  readonly steps: readonly LineStep[];
  readonly end: Uint8Array;
  /** Columns that are false or 0 in each line of this form. */
  readonly zeros: readonly number[];
};

/**
 * Returns the forms in which lines of a stream are recorded: with today's members, and with those that Binance has dropped since. Lines of
 * any other form (backfilled trades, members that are added one day) are not described. Empty if some column would get no value.
 */
export function lineTemplates(stream: Stream, columns: readonly ExportColumn[]): LineTemplate[] {
  const { members } = streamKinds[stream.type.kind];
  const today = members.filter(({ isFormer }) => !isFormer);
  const forms = today.length === members.length ? [today] : [today, members];
  return forms.flatMap((form) => templateOf(form, stream, columns) ?? []);
}

function templateOf(
  members: readonly StreamMember[],
  { symbol }: Stream,
  columns: readonly ExportColumn[],
): LineTemplate | null {
  const filled = new Set<number>();
  const columnOf = (isWanted: (column: ExportColumn) => boolean) => {
    const at = columns.findIndex(isWanted);
    if (at >= 0) filled.add(at);
    return at;
  };
  const stepOf = (before: string, member: string, form: LineStep["form"]): LineStep => ({
    ...{ before: Buffer.from(before), form, levels: 0 },
    column: columnOf((column) => column.member === member && column.kind !== "timestamp"),
    timestamp: columnOf((column) => column.member === member && column.kind === "timestamp"),
  });
  const steps = [stepOf('{"recv_us":', "recv_us", "receipt"), stepOf(',"net_delay_ms":', "net_delay_ms", "delay")];
  let fixed = "";
  for (const { name, form, value } of members) {
    fixed += `,${JSON.stringify(name)}:`;
    if (form === "event") fixed += JSON.stringify(value);
    else if (form === "symbol") fixed += JSON.stringify(symbol);
    else if (form === "bids" || form === "asks") {
      const step = stepOf(fixed, name, "levels");
      const own = columns.flatMap(({ member }, at) => (member === name ? [at] : []));
      for (const at of own) filled.add(at);
      const isList = columns[step.column]?.kind === "numbers";
      steps.push({ ...step, levels: isList ? 0 : own.length / 2 });
      fixed = "";
    } else {
      const isDecimal = form === "decimal";
      const kind = isDecimal || form === "boolean" || form === "time" ? form : "integer";
      steps.push(stepOf(isDecimal ? `${fixed}"` : fixed, name, kind));
      fixed = isDecimal ? '"' : "";
    }
  }
  const zeros = ["repaired", "since_gap"].map((name) => columnOf((column) => column.name === name));
  if (filled.size < columns.length) return null;
  return { steps, end: Buffer.from(`${fixed}}\n`), zeros: zeros.filter((at) => at >= 0) };
}
