import type { SourceCheck } from "./source-check.ts";
import { createHead, type Head, type LineStream, type Received } from "./stream-reader.ts";

/** Reads the messages of several streams in order of receipt. */
export type MergedReader<M extends Received> = {
  /** Returns the next message without consuming it; undefined if `fill` is needed or all is read. */
  peek(): M | undefined;
  skip(): void;
  /** Reads on after `peek` returned undefined; false when the recording is over. */
  fill(): Promise<boolean>;
  close(): void;
};

export type MergeOptions = {
  /** Omits messages received before this time, µs (default: no limit). */
  readonly fromUs?: number;
  /** Called for a file that could not be read, in part or at all. Reading continues after it. */
  readonly onDamage?: (path: string, problem: string) => void;
  /** Checks each file before its first line is returned (default: no check). */
  readonly check?: SourceCheck;
};

/**
 * Merges streams by receipt time, with one chunk of one file per stream in memory.
 * For messages received in the same µs, the earlier stream in the list comes first. Within a stream the recorded order is kept.
 */
export function createMergedReader<M extends Received>(
  streams: readonly LineStream<M>[],
  options: MergeOptions = {},
): MergedReader<M> {
  const { fromUs = Number.NEGATIVE_INFINITY, onDamage = () => {}, check } = options;
  const heap: Head<M>[] = [];
  /** Heads that need `fill` before the next message is known. */
  const waiting: Head<M>[] = streams.map((stream, order) => createHead(stream, order, { fromUs, onDamage, check }));
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
    const parentHead = heap[parent] as AnyHead;
    if (!before(head, parentHead)) break;
    heap[at] = parentHead;
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

/** Moves the first head down to its place after it advanced. */
function sink(heap: AnyHead[]): void {
  const head = heap[0] as AnyHead;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const right = heap[child + 1];
    if (right !== undefined && before(right, heap[child] as AnyHead)) child += 1;
    const childHead = heap[child];
    if (childHead === undefined || !before(childHead, head)) break;
    heap[at] = childHead;
    at = child;
  }
  heap[at] = head;
}
