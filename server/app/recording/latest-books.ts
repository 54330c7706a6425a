import type { BookView } from "../../domain/status.ts";
import type { Stream } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";

/** The newest partial depth of each symbol, kept as text: nobody parses it before somebody looks. */
export type LatestBooks = {
  /** These streams from now on; what is known of those that stay is kept. */
  setStreams(streams: readonly Stream[]): void;
  /** A payload of any stream; all but partial depth are passed over. */
  note(stream: Stream, payload: string, recvUs: number): void;
  /** "no_data" for a symbol of ours that has shown no book yet, null for a stranger. */
  view(symbol: string, netDelayMs: number | null): BookView | "no_data" | null;
};

/** Where a symbol has partial depth of several sizes, the deepest counts. */
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
    note(stream, payload, recvUs) {
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
