import type { SourceCheck } from "./source-check.ts";
import { createHead, type Head, type LineStream, type Received } from "./stream-reader.ts";

/** The messages of several tracks in the order in which they were received. */
export type MergedReader<M extends Received> = {
  /** The next message, which stays the next one until `skip`; undefined once `fill` is needed or all is read. */
  peek(): M | undefined;
  skip(): void;
  /** Reads on where `peek` came to an end; false when the recording is over. */
  fill(): Promise<boolean>;
  close(): void;
};

export type MergeOptions = {
  /** Messages received before this are left out, µs (none). */
  readonly fromUs?: number;
  /** A file could not be read, in part or at all; reading goes on behind it. */
  readonly onDamage?: (path: string, problem: string) => void;
  /** Proves each file before the first of its lines is given out (no check). */
  readonly check?: SourceCheck;
};

/**
 * Merges tracks by receipt time; of messages received in the same µs that of the earlier track comes first, and within a track
 * the recorded order stands. One chunk of one file a track is in memory.
 */
export function createMergedReader<M extends Received>(
  tracks: readonly LineStream<M>[],
  options: MergeOptions = {},
): MergedReader<M> {
  const { fromUs = Number.NEGATIVE_INFINITY, onDamage = () => {}, check } = options;
  const heap: Head<M>[] = [];
  /** Heads that need `fill` before anybody can say what comes next. */
  const waiting: Head<M>[] = tracks.map((track, order) => createHead(track, order, { fromUs, onDamage, check }));
  let closed = false;

  return {
    peek: () => (waiting.length === 0 ? heap[0]?.message : undefined),
    skip() {
      const head = heap[0];
      if (head === undefined || waiting.length > 0) return;
      if (head.next() !== undefined) sink(heap);
      else {
        pop(heap);
        waiting.push(head);
      }
    },
    async fill() {
      for (let head = waiting.at(-1); head !== undefined && !closed; head = waiting.at(-1)) {
        const isOver = !(await head.fill());
        if (isOver || head.next() !== undefined) waiting.pop();
        if (!isOver && head.message !== undefined) push(heap, head);
      }
      return heap.length > 0 && !closed;
    },
    close() {
      closed = true;
      for (const head of [...heap, ...waiting]) head.close();
    },
  };
}

type AnyHead = Head<Received>;

function before(a: AnyHead, b: AnyHead): boolean {
  return a.recvUs < b.recvUs || (a.recvUs === b.recvUs && a.order < b.order);
}

function push(heap: AnyHead[], head: AnyHead): void {
  let at = heap.push(head) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const other = heap[parent] as AnyHead;
    if (!before(head, other)) break;
    heap[at] = other;
    at = parent;
  }
  heap[at] = head;
}

function pop(heap: AnyHead[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}

/** Puts the first head where it belongs after it moved on. */
function sink(heap: AnyHead[]): void {
  const head = heap[0] as AnyHead;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const right = heap[child + 1];
    if (right !== undefined && before(right, heap[child] as AnyHead)) child += 1;
    const other = heap[child];
    if (other === undefined || !before(other, head)) break;
    heap[at] = other;
    at = child;
  }
  heap[at] = head;
}
