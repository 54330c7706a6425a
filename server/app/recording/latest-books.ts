import type { BookView } from "../../domain/status.ts";
import type { Stream } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";

/** Keeps the newest partial depth of each symbol as text; it is parsed only when somebody views it. */
export type LatestBooks = {
  /** Replaces the streams. Books of streams that stay are kept. */
  setStreams(streams: readonly Stream[]): void;
  /** Saves the payload if it is a partial depth; ignores other streams. */
  update(stream: Stream, payload: string, recvUs: number): void;
  /** Returns the newest book; "no_data" if the symbol has none yet, null if the symbol is not recorded. */
  view(symbol: string, netDelayMs: number | null): BookView | "no_data" | null;
};

/** Creates the collection. If a symbol has partial depth of several sizes, the deepest is kept. */
export function createLatestBooks(streams: readonly Stream[]): LatestBooks {
  let books = new Map<string, { deepest: Stream | null; recvUs: number; payload: string }>();
  setStreams(streams);

  function setStreams(wanted: readonly Stream[]): void {
    const before = books;
    books = new Map();
    for (const stream of wanted) {
      const kept = books.get(stream.symbol) ?? before.get(stream.symbol) ?? { deepest: null, recvUs: 0, payload: "" };
      if (!books.has(stream.symbol)) kept.deepest = null;
      books.set(stream.symbol, kept);
      if ((stream.type.levels ?? 0) > (kept.deepest?.type.levels ?? 0)) kept.deepest = stream;
    }
  }

  return {
    setStreams,
    update(stream, payload, recvUs) {
      if (streamKinds[stream.type.kind].shows !== "book") return;
      const kept = books.get(stream.symbol);
      if (kept === undefined || kept.deepest !== stream) return;
      kept.payload = payload;
      kept.recvUs = recvUs;
    },
    view(symbol, netDelayMs) {
      const kept = books.get(symbol);
      if (kept === undefined) return null;
      if (kept.recvUs === 0) return "no_data";
      return { symbol, recv_us: kept.recvUs, net_delay_ms: netDelayMs, book: kept.payload };
    },
  };
}
