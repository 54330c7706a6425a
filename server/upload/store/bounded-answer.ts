import { within } from "../../platform/time/deadline.ts";
/** Limits of the size and duration of an answer. */
export type Bounds = {
  readonly bytes: number;
  /** Longest wait for the next piece, ms. */
  readonly idleMs: number;
  /** Total waiting time after which the rate must be at least `slowest` bytes per second, ms. The reader's own time does not count. */
  readonly patienceMs: number;
  readonly slowest: number;
};

/** An answer is longer than its bound. */
export class AnswerTooLong extends Error {
  override readonly name = "AnswerTooLong";
}

/**
 * Yields the pieces of a body. Calls `abort` as soon as a bound is exceeded or the reader stops early, so that no connection stays
 * open.
 *
 * @throws AnswerTooLong, or Late if the store sends nothing for too long or too slowly
 */
export async function* boundedPieces(
  body: ReadableStream<Uint8Array> | null,
  bounds: Bounds,
  abort: (reason: Error) => void,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  let bytesLeft = bounds.bytes;
  let waitedMs = 0;
  let isComplete = false;
  try {
    for (;;) {
      const startedMs = performance.now();
      const allowedMs = bounds.patienceMs + ((bounds.bytes - bytesLeft) / bounds.slowest) * 1000;
      const { done, value } = await within(reader.read(), {
        what: "the store did not send the next piece of its answer",
        ms: Math.max(0, Math.min(bounds.idleMs, allowedMs - waitedMs)),
      });
      waitedMs += performance.now() - startedMs;
      if (done) {
        isComplete = true;
        return;
      }
      bytesLeft -= value.length;
      if (bytesLeft < 0) throw new AnswerTooLong(`the answer is longer than ${bounds.bytes} bytes; it was cut off`);
      yield value;
    }
  } finally {
    if (!isComplete) {
      abort(new Error("the reader does not need the answer any more"));
      void reader.cancel().catch(() => {});
    }
  }
}

/** Reads a body as text. @throws as `boundedPieces` */
export async function boundedText(
  body: ReadableStream<Uint8Array> | null,
  bounds: Bounds,
  abort: (reason: Error) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  for await (const piece of boundedPieces(body, bounds, abort)) parts.push(decoder.decode(piece, { stream: true }));
  parts.push(decoder.decode());
  return parts.join("");
}
