import type { Cell, ExportColumn } from "./column.ts";
import type { OutputFile, TableFile } from "./table-file.ts";

const writeAtOnce = 256 * 1024;

/**
 * Creates a CSV file (RFC 4180; column names in the first line; lines end with LF). Decimals are the exchange's text. Null is empty. A
 * list is `"[86704.77000000,86704.76000000]"`.
 */
export function createCsvFile(file: OutputFile, columns: readonly ExportColumn[]): TableFile {
  let text = `${columns.map(({ name }) => name).join(",")}\n`;

  function flush(): void {
    file.write(Buffer.from(text));
    text = "";
  }

  return {
    add(row) {
      let line = "";
      for (const cell of row) line += line === "" ? csvText(cell) : `,${csvText(cell)}`;
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
