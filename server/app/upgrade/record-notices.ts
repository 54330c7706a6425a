import type { StreamName } from "../../domain/stream.ts";
import type { FromParent } from "../../upgrade/protocol.ts";
import type { RecordNotice } from "./parent-state.ts";

/** How long notices are collected before a batch is sent, ms. */
const pauseMs = 40;

/** Limit of sent numbers without confirmation: about 40 MB. Beyond it the child process counts as stuck. */
const mostUnconfirmed = 4_000_000;

/** Reports recorded messages to the child process, in batches. */
export type RecordNotices = {
  readonly add: RecordNotice;
  /** Starts sending. A notice names its stream by the index in `streams`; notices of other streams are dropped. */
  start(streams: readonly string[]): void;
  /** Confirms that the child process has read all batches up to this number. */
  seen(batch: number): void;
  /** Sends the last batch. Idempotent. */
  stop(): void;
  /** Rejects if the child process does not keep up; otherwise never settles. */
  readonly failed: Promise<never>;
};

/** Creates the sender. Notices added before `start` are kept until then. */
export function createRecordNotices(send: (message: FromParent) => void): RecordNotices {
  const places = new Map<StreamName, number>();
  const early: Parameters<RecordNotice>[] = [];
  const unconfirmed = new Map<number, number>();
  let notes: number[] = [];
  let batch = 0;
  let unconfirmedNumbers = 0;
  let timer: ReturnType<typeof setInterval> | null = null;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // It may reject after the last caller has stopped waiting.
  failed.catch(() => {});

  function push(...[name, { firstId, id, mark, recvUs, isEpoch }]: Parameters<RecordNotice>): void {
    const index = places.get(name);
    if (index !== undefined) notes.push(index, firstId, id, mark, recvUs, isEpoch ? 1 : 0);
  }

  function flush(): void {
    if (notes.length === 0) return;
    unconfirmed.set(++batch, notes.length);
    unconfirmedNumbers += notes.length;
    send({ type: "notes", batch, notes });
    notes = [];
    if (unconfirmedNumbers > mostUnconfirmed) fail(new Error("the child process does not keep up with the records"));
  }

  return {
    add(...note) {
      if (timer === null) early.push(note);
      else push(...note);
    },
    start(streams) {
      for (const [index, name] of streams.entries()) places.set(name, index);
      for (const note of early.splice(0)) push(...note);
      timer = setInterval(flush, pauseMs);
      flush();
    },
    seen(upTo) {
      for (const [number, length] of unconfirmed) {
        if (number > upTo) break;
        unconfirmed.delete(number);
        unconfirmedNumbers -= length;
      }
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      flush();
    },
    failed,
  };
}
