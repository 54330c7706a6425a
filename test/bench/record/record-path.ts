/** What each step of one message costs once it is warm, ns of CPU: `bun record-path.ts`; prints JSON. In a process of its own. */

import { createLatestBooks } from "../../../server/app/recording/latest-books.ts";
import { createFrameReader } from "../../../server/binance/frames/frame-reader.ts";
import { contentMark } from "../../../server/binance/gaps/recent-ids.ts";
import { createSequence } from "../../../server/binance/gaps/sequence.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createStream, parseStreamType } from "../../../server/domain/stream.ts";
import { createMinuteRows } from "../../../server/monitor/minute-rows.ts";
import { createRates } from "../../../server/monitor/rates.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";
import { median } from "../cpu.ts";
import { symbolNames } from "../processes.ts";

const type = parseStreamType("depth20@100ms");
if (type === null) throw new Error("depth20@100ms is no stream");
const streams = symbolNames(15).map((symbol) => createStream(symbol, type));
const frames = Array.from({ length: 6000 }, (_, n) => frame(n));
const payloads = frames.map((text) => text.slice(text.indexOf('"data":') + 7, -1));
const read = createFrameReader(streams);
const { nowUs } = createReceiveClock();
const order = streams.map(() => {
  const sequence = createSequence({ contiguous: false, mayVary: false, lastId: null });
  return { sequence, cursor: sequence.join() };
});
const rates = createRates(streams);
const minutes = createMinuteRows(streams);
const books = createLatestBooks(streams);
const message = { firstId: 0, id: 0, mark: 0, recvUs: 0 };
let id = 0;
let lines = "";
let seen = 0;

const steps: Record<string, (n: number) => void> = {
  "receipt time": () => {
    seen += nowUs() & 1;
  },
  "proof of shape and ids": (n) => {
    if (read(frames[n] ?? "").type !== "data") throw new Error("a frame was not recognized");
  },
  "order and duplicates": (n) => {
    const one = order[n % 15];
    message.id = message.firstId = message.recvUs = ++id;
    message.mark = contentMark(payloads[n] ?? "");
    one?.sequence.judge(one.cursor, message);
  },
  "splice and batch, written as bytes": (n) => {
    lines += encodeLine(payloads[n] ?? "", 1_763_800_000_123_456 + n, 114);
    if (n % 100 !== 99) return;
    seen += Buffer.from(lines).length;
    lines = "";
  },
  "rates, minutes, newest book": (n) => {
    const stream = streams[n % 15];
    if (stream === undefined) return;
    rates.count(stream);
    minutes.count(stream, 1_763_800_000_123_456 + n);
    books.update(stream, payloads[n] ?? "", n);
  },
};

const result = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, nanoseconds(step)]));
console.log(JSON.stringify({ result, seen }));

function nanoseconds(step: (n: number) => void): number[] {
  const once = () => {
    for (let n = 0; n < frames.length; n++) step(n);
  };
  for (let warm = 0; warm < 60; warm++) once();
  const found = Array.from({ length: 7 }, () => {
    const before = process.cpuUsage();
    for (let times = 0; times < 10; times++) once();
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / (10 * frames.length);
  });
  const middle = median(found);
  return [middle, Math.min(...found), Math.max(...found)];
}

function frame(n: number): string {
  const side = (direction: number) =>
    Array.from({ length: 20 }, (_, level) => {
      const quantity = (((level * 7919 + n * 104_729) % 1_000_000) / 100_000 + 0.1).toFixed(8);
      return `["${(60_000 + direction * (level + 1) * 0.37 + (n % 15)).toFixed(8)}","${quantity}"]`;
    }).join(",");
  const name = streams[n % 15]?.name;
  return `{"stream":"${name}","data":{"lastUpdateId":${48_291_849_102 + n},"bids":[${side(-1)}],"asks":[${side(1)}]}}`;
}
