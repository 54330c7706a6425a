/** How much an answer may bring, and how long it may take over it. */
export type Bounds = {
  readonly bytes: number;
  /** Longest wait for the next piece, ms. */
  readonly idleMs: number;
  /** After this wait for all pieces together, ms, they must have come at `slowest` bytes a second; the reader's own time does not count. */
  readonly patienceMs: number;
  readonly slowest: number;
};

/** An answer that broke its bounds. `reason` says which one. */
export class OutOfBounds extends Error {
  override readonly name = "OutOfBounds";
  readonly reason: "bytes" | "time";

  constructor(reason: "bytes" | "time", message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * The pieces of a body. Ends the transfer through `abort` as soon as a bound is broken or the reader stops early, so that no
 * connection is left behind. Throws OutOfBounds.
 */
export async function* boundedPieces(
  body: ReadableStream<Uint8Array> | null,
  bounds: Bounds,
  abort: (reason: Error) => void,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  let left = bounds.bytes;
  let waitedMs = 0;
  let isComplete = false;
  try {
    for (;;) {
      const startedMs = performance.now();
      const allowedMs = bounds.patienceMs + ((bounds.bytes - left) / bounds.slowest) * 1000;
      const { done, value } = await within(reader.read(), Math.min(bounds.idleMs, allowedMs - waitedMs));
      waitedMs += performance.now() - startedMs;
      if (done) {
        isComplete = true;
        return;
      }
      left -= value.length;
      if (left < 0) throw new OutOfBounds("bytes", `the answer is longer than ${bounds.bytes} bytes; it was cut off`);
      yield value;
    }
  } finally {
    if (!isComplete) {
      abort(new Error("the answer is not wanted any more"));
      void reader.cancel().catch(() => {});
    }
  }
}

/** The body as text. Throws OutOfBounds. */
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

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = "the store does not go on with its answer; the transfer was ended";
    timer = setTimeout(() => reject(new OutOfBounds("time", message)), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
