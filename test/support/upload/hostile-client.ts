/** Sends requests to a hostile store; prints the result, duration and memory of each. */
import { createObjectStore } from "../../../server/upload/store/object-store.ts";

const [endpoint = "", rounds = "1"] = process.argv.slice(2);
const access = { endpoint, bucket: "b", region: "us-east-1", accessKey: "a", secretKey: "s" };
const patience = { quickMs: 200, answerMs: 200, pieceMs: 400 };
const store = createObjectStore(access, new AbortController().signal, () => {}, patience);
const body = { bytes: 5, open: () => "hello" };

const asks: Record<string, () => Promise<unknown>> = {
  stat: () => store.stat("k"),
  readText: () => store.readText("k"),
  async read() {
    for await (const _ of store.read("k", 4 * 1024 * 1024));
  },
  async list() {
    for await (const _ of store.list(""));
  },
  remove: () => store.remove("k"),
  put: () => store.put("k", body, "absent"),
  beginParts: () => store.beginParts("k"),
  putPart: () => store.putPart("k", "id", 1, body),
  completeParts: () => store.completeParts("k", "id", [{ number: 1, etag: "e" }], null),
  unfinished: () => store.unfinished(""),
};

const startRss = process.memoryUsage.rss();
let peak = startRss;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const ended: Record<string, string> = {};
let longestMs = 0;
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, ask] of Object.entries(asks)) {
    const startedMs = performance.now();
    ended[name] = await ask().then(
      () => "done",
      (error: { code?: string }) => error.code ?? String(error),
    );
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  }
}
clearInterval(watch);
await Bun.sleep(100);
console.log(JSON.stringify({ ended, longestMs: Math.round(longestMs), startMb: startRss >> 20, peakMb: peak >> 20 }));
// Runs until it is told to end, so that its open connections can be counted.
await new Promise<void>((resolve) => process.stdin.once("data", () => resolve()));
process.exit(0);
