import type { Stream } from "../../../server/domain/stream.ts";

/** Streams whose events follow each other as Binance numbers them, one or `busy` of them at each tick. */
export function createVirtualMarket(
  streams: readonly Stream[],
  busy: number,
  emit: (stream: Stream, id: number, payload: string) => void,
) {
  const ids = streams.map(() => 100_000);
  const jumps = streams.map(() => ({ by: 0, left: 0 }));
  let count = 0;

  function one(index: number): void {
    const stream = streams[index];
    if (stream === undefined) return;
    const { kind } = stream.type;
    const before = ids[index] ?? 0;
    const id = before + (kind === "trade" || kind === "aggTrade" ? 1 : 1 + ((count * 7) % 40));
    ids[index] = id;
    count++;
    const time = 1_763_800_000_000 + count;
    const px = `"${count}.5"`;
    const event = (name: string) => `{"e":"${name}","E":${time},"s":"${stream.symbol}"`;
    const payloads: Record<string, string> = {
      partialDepth: `{"lastUpdateId":${id},"bids":[[${px},"1.0"]],"asks":[[${px},"2.0"]]}`,
      diffDepth: `${event("depthUpdate")},"U":${before + 1},"u":${id},"b":[[${px},"1.0"]],"a":[]}`,
      aggTrade: `${event("aggTrade")},"a":${id},"p":${px},"q":"1.0","f":1,"l":1,"T":${time},"m":true,"M":true}`,
      trade: `${event("trade")},"t":${id},"p":${px},"q":"1.0","T":${time},"m":true,"M":true}`,
      bookTicker: `{"u":${id},"s":"${stream.symbol}","b":${px},"B":"1.0","a":${px},"A":"1.0"}`,
    };
    const jump = jumps[index];
    const payload = payloads[kind] ?? "";
    const by = jump === undefined || jump.left === 0 ? 0 : jump.by;
    if (jump !== undefined && by !== 0) jump.left--;
    emit(stream, id + by, by === 0 ? payload : withIdsMoved(payload, by));
  }

  return {
    tick(happens: (index: number) => boolean = () => true) {
      for (const index of streams.keys())
        if (happens(index)) for (let k = 0; k < (index % 2 === 0 ? 1 : busy); k++) one(index);
    },
    /** Shifts the ids of the next `records`; later ids are right again. */
    glitch(index: number, by: number, records: number) {
      jumps[index] = { by, left: records };
    },
    restart(index: number, by: number) {
      ids[index] = (ids[index] ?? 0) - by;
    },
  };
}

/** The payload with every id that it is ordered by so much higher or lower. */
export function withIdsMoved(payload: string, by: number): string {
  const members = payload.includes('"aggTrade"') ? "a" : "lastUpdateId|U|u|t";
  return payload.replace(new RegExp(`"(${members})":(\\d+)`, "g"), (_, name, id) => `"${name}":${Number(id) + by}`);
}
