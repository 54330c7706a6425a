/**
 * `bun record-steadily.ts <data folder> <ms>`: records a trade each millisecond for so long, then stops; prints how long the event
 * loop stood still at most, the second longest time, how many records were dropped and why, and what the disk was said to do.
 */

import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";

const [dataDir = "", ms = "0", maxHeld = "1000000"] = process.argv.slice(2);
const stream = parseStreamName("btcusdt@aggTrade") as Stream;
const causes: string[] = [];
const failures = new Set<string>();
const recorder = createRecorder(
  { dataDir, segmentMinutes: 1440, flushRecords: 100, flushMs: 50, sync: "never", maxHeld: Number(maxHeld) },
  {
    nowUs: () => Date.now() * 1000,
    onClosed: () => {},
    onDropped: (_, __, cause) => causes.push(cause),
    onLost: () => {},
    log: silentLog,
  },
);
const started = performance.now();
const stalls: number[] = [];
let n = 0;
let last = started;
while (last - started < Number(ms)) {
  await Bun.sleep(1);
  const now = performance.now();
  stalls.push(now - last);
  last = now;
  for (; n < now - started; n++)
    recorder.writer(stream).append(`{"e":"aggTrade","a":${n},"p":"${"1".repeat(500)}"}`, Date.now() * 1000, null);
  const failure = recorder.failure();
  if (failure !== null) failures.add(failure.replace(/\d+ s/, "N s"));
}
await recorder.stop();
stalls.sort((a, b) => b - a);
const [longest = 0, second = 0] = stalls;
console.log(
  JSON.stringify({
    appended: n,
    dropped: causes.length,
    causes: [...new Set(causes)],
    longest,
    second,
    failures: [...failures],
  }),
);
