import { parseStreamName } from "../../../server/domain/stream.ts";

/** What the exchange handed to sockets: the truth that recordings are compared with. */
export type Sent = { readonly payload: string; readonly atMs: number };

/** Collects sent payloads by `SYMBOL/stream folder`. */
export function createSentLog() {
  const byStream = new Map<string, Sent[]>();
  let count = 0;
  return {
    byStream,
    count: () => count,
    onSent({ stream, payload }: { stream: string; payload: string }): void {
      const parsed = parseStreamName(stream);
      if (parsed === null) throw new Error(`the exchange sent the unknown stream ${stream}`);
      const key = `${parsed.symbol}/${parsed.type.folder}`;
      const list = byStream.get(key);
      const sent = { payload, atMs: Date.now() };
      if (list === undefined) byStream.set(key, [sent]);
      else list.push(sent);
      count++;
    },
  };
}
