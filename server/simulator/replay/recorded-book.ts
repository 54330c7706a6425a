import type { StreamKind } from "../../domain/stream-kinds.ts";

/** The REST book of one symbol, pieced together from what a recording has played so far. */
export type RecordedBook = {
  /** A payload that has just been emitted, or a REST book that was recorded at this moment. */
  record(kind: StreamKind, payload: string): void;
  /** The book as of the newest diff, or of the newest partial depth where no diffs are recorded. */
  depth(limit: number): string;
};

type Side = Map<string, string>;
type Book = { readonly lastId: number; readonly bids: Side; readonly asks: Side };

/** Until a recorded REST book has come by, only levels that a diff has named are known. */
export function createRecordedBook(): RecordedBook {
  let partial: string | null = null;
  let pending: { lastId: number; payload: string } | null = null;
  let book: Book | null = null;

  function applyDiff(payload: string): void {
    const from = idOf(payload, "U");
    const lastId = idOf(payload, "u");
    // The REST book is ahead of the diffs by up to one tick; it counts from the diff on that reaches it.
    if (pending !== null && lastId >= pending.lastId) {
      if (from <= pending.lastId + 1) book = parseBook(pending.payload);
      pending = null;
    }
    const cut = payload.indexOf('"a":[');
    const { bids, asks } = book ?? { bids: new Map(), asks: new Map() };
    setLevels(bids, payload.slice(payload.indexOf('"b":['), cut));
    setLevels(asks, payload.slice(cut));
    book = { lastId, bids, asks };
  }

  return {
    record(kind, payload) {
      if (kind === "partialDepth") partial = payload;
      else if (kind === "diffDepth") applyDiff(payload);
      else if (kind === "depthSnapshot") pending = { lastId: idOf(payload, "lastUpdateId"), payload };
    },
    depth(limit) {
      const known = book ?? (partial === null ? null : parseBook(partial)) ?? (pending && parseBook(pending.payload));
      if (known === null) return '{"lastUpdateId":0,"bids":[],"asks":[]}';
      return `{"lastUpdateId":${known.lastId},"bids":${text(known.bids, -1, limit)},"asks":${text(known.asks, 1, limit)}}`;
    },
  };
}

function parseBook(payload: string): Book {
  const cut = payload.indexOf('"asks":[');
  const bids: Side = new Map();
  const asks: Side = new Map();
  setLevels(bids, payload.slice(0, cut));
  setLevels(asks, payload.slice(cut));
  return { lastId: idOf(payload, "lastUpdateId"), bids, asks };
}

function setLevels(side: Side, levels: string): void {
  for (const [, price = "", quantity = ""] of levels.matchAll(/\["([\d.]+)","([\d.]+)"\]/g)) {
    if (/[1-9]/.test(quantity)) side.set(price, quantity);
    else side.delete(price);
  }
}

function idOf(payload: string, member: "lastUpdateId" | "U" | "u"): number {
  return Number(new RegExp(`"${member}":(\\d+)`).exec(payload)?.[1] ?? 0);
}

function text(side: Side, direction: 1 | -1, limit: number): string {
  const levels = [...side].sort(([a], [b]) => (Number(a) - Number(b)) * direction).slice(0, limit);
  return `[${levels.map(([price, quantity]) => `["${price}","${quantity}"]`).join(",")}]`;
}
