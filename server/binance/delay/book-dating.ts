import type { Stream } from "../../domain/stream.ts";
import type { DataMessage } from "../frames/frame-reader.ts";

/** Dates the partial books of one symbol on one connection by its diffs, which have an event time. */
export type BookDating = {
  /** Takes a message of the symbol. Calls `onDated` if the message completes a pair of book and diff. */
  observe(message: DataMessage, recvUs: number, onDated: OnDated): void;
};

type OnDated = (stream: Stream, eventMs: number, recvUs: number) => void;

/** Remembered ids on each side. Book or diff may come first, and the other a few ticks later. */
const remembered = 16;

/** Creates the dating. A partial book has no event time, but the diff of the same update id has (490 of 490 measured pairs). */
export function createBookDating(): BookDating {
  const diffs = createRecentValues();
  const books = createRecentValues();
  return {
    observe({ stream, id, eventMs }, recvUs, onDated) {
      if (stream.type.kind === "diffDepth") {
        diffs.put(id, eventMs);
        const bookUs = books.get(id);
        if (bookUs > 0) onDated(stream, eventMs, bookUs);
      } else if (stream.type.kind === "partialDepth") {
        books.put(id, recvUs);
        const diffMs = diffs.get(id);
        if (diffMs > 0) onDated(stream, diffMs, recvUs);
      }
    },
  };
}

function createRecentValues() {
  const ids = new Float64Array(remembered);
  const values = new Float64Array(remembered);
  let at = 0;
  return {
    put(id: number, value: number): void {
      ids[at % remembered] = id;
      values[at % remembered] = value;
      at++;
    },
    get(id: number): number {
      const index = ids.lastIndexOf(id);
      return index < 0 ? 0 : (values[index] ?? 0);
    },
  };
}
