import type { Cell, ExportColumn } from "./column.ts";
import type { OutputFile, TableFile } from "./table-file.ts";

const writeAtOnce = 256 * 1024;

/**
 * Creates a CSV file (RFC 4180; column names in the first line; lines end with LF). Decimals are the exchange's text. Null is empty. A
 * list is `"[86704.77000000,86704.76000000]"`, a timestamp `2026-11-21T00:00:00.114000Z`.
 */
export function createCsvFile(file: OutputFile, columns: readonly ExportColumn[]): TableFile {
  const isTimestamp = columns.map(({ kind }) => kind === "timestamp");
  let text = `${columns.map(({ name }) => name).join(",")}\n`;

  function flush(): void {
    file.write(Buffer.from(text));
    text = "";
  }

  return {
    add(row) {
      let line = "";
      for (let at = 0; at < row.length; at++) {
        if (at > 0) line += ",";
        line += isTimestamp[at] ? timestampText(row[at] as number | null) : csvText(row[at] as Cell);
      }
      text += `${line}\n`;
      if (text.length >= writeAtOnce) flush();
    },
    waits: file.waits,
    taken: file.taken,
    async finish() {
      flush();
      await file.commit();
      return file.bytes();
    },
    discard: file.discard,
  };
}

/** Formats a cell. Text never needs quotes: symbols have no comma, and decimals are digits. */
function csvText(cell: Cell): string {
  if (cell === null) return "";
  return typeof cell === "object" ? `"[${cell.join(",")}]"` : String(cell);
}

let latestSecond = Number.NaN;
let latestText = "";

/** Formats a time in µs as UTC. Consecutive rows mostly share their second, whose text is kept. */
function timestampText(us: number | null): string {
  if (us === null) return "";
  const second = Math.floor(us / 1e6);
  if (second !== latestSecond) latestText = new Date(second * 1000).toISOString().slice(0, 19);
  latestSecond = second;
  return `${latestText}.${String(us - second * 1e6).padStart(6, "0")}Z`;
}
