import type { Stream } from "../../domain/stream.ts";
import type { DataMessage } from "../frames/frame-reader.ts";

/** Dates the partial books of one symbol on one connection by its diffs, which carry an event time. */
export type BookDating = {
  /** A message of the symbol; `onDated` is told of the book that it dates, or that is dated by it. */
  note(message: DataMessage, recvUs: number, onDated: OnDated): void;
};

type OnDated = (stream: Stream, eventMs: number, recvUs: number) => void;

/** Either may come first, and a slow one a few ticks later. */
const remembered = 16;

/** Partial depth has no event time; the diff that led to it has, and the same update id (490 of 490 pairs measured, either order). */
export function createBookDating(): BookDating {
  const diffs = createPairs();
  const books = createPairs();
  return {
    note({ stream, id, eventMs }, recvUs, onDated) {
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

function createPairs() {
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
      const found = ids.lastIndexOf(id);
      return found < 0 ? 0 : (values[found] ?? 0);
    },
  };
}
