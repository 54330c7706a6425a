import { dateOf, liveFolder, type Segment } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { parseStreamName } from "../../../server/domain/stream.ts";
import { realMessages } from "../simulator/real-data.ts";

/** One recorded record. */
export type RealRow = { readonly recvUs: number; readonly payload: string };

const restSymbol = /symbol=(\w+)/;

/**
 * Returns the records of real captures as raw segments, by folder and symbol, in order of receipt. REST books become `depthSnapshot`.
 * `raw` files repeat the trades of the other files, so trades are taken from those only.
 */
export function realRows(names: readonly string[]): Map<string, { segment: Segment; rows: RealRow[] }> {
  const files = new Map<string, { segment: Segment; rows: RealRow[] }>();
  for (const name of names) {
    let lastUs = 0;
    for (const message of realMessages(name)) {
      const { t, raw } = message;
      const rest = restSymbol.exec((message as { url?: string }).url ?? "")?.[1];
      const parsed = parseStreamName(/^\{"stream":"([^"]+)"/.exec(raw)?.[1] ?? "");
      if (rest === undefined && (parsed === null || (name.startsWith("raw") && parsed.type.kind === "trade"))) continue;
      lastUs = Math.max(lastUs, Math.round(t * 1000));
      const stream = rest === undefined ? (parsed?.type.folder ?? "") : "depthSnapshot";
      const segment = { stream, symbol: rest ?? parsed?.symbol ?? "", date: dateOf(lastUs), name: "00-00" };
      const file = files.get(liveFolder("", segment)) ?? { segment, rows: [] as RealRow[] };
      file.rows.push({
        recvUs: lastUs,
        payload: rest === undefined ? raw.slice(raw.indexOf(',"data":') + 8, -1) : raw,
      });
      files.set(liveFolder("", segment), file);
    }
  }
  return files;
}

/** The text of a segment with these rows. */
export function rowsText(rows: readonly RealRow[]): string {
  return rows.map(({ recvUs, payload }) => encodeLine(payload, recvUs, null)).join("");
}
