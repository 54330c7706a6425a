/** Sends requests to a hostile store; prints the result, duration and memory of each. */
import { createObjectStore } from "../../../server/upload/store/object-store.ts";
import { textBody } from "../../../server/upload/store/signed-request.ts";

const [endpoint = "", longestMs = "200"] = process.argv.slice(2);
const access = { endpoint, bucket: "b", region: "us-east-1", accessKey: "a", secretKey: "s" };
const patience = { quickMs: Number(longestMs), answerMs: Number(longestMs), pieceMs: 2 * Number(longestMs) };
const store = createObjectStore(access, new AbortController().signal, () => {}, patience);
const body = textBody("hello");
const pieceBytes = 128 * 1024;
/** More than sockets hold. */
const longBody = {
  bytes: 256 * pieceBytes,
  md5: "",
  open() {
    let pieces = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      pieces++ < 256 ? controller.enqueue(new Uint8Array(pieceBytes)) : controller.close();
    return new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
  },
};

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
  putLong: () => store.put("k", longBody, "absent"),
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
let slowestMs = 0;
for (const [name, ask] of Object.entries(asks)) {
  const startedMs = performance.now();
  ended[name] = await ask().then(
    () => "done",
    (error: { code?: string }) => error.code ?? String(error),
  );
  slowestMs = Math.max(slowestMs, performance.now() - startedMs);
}
clearInterval(watch);
await Bun.sleep(100);
console.log(JSON.stringify({ ended, slowestMs: Math.round(slowestMs), startMb: startRss >> 20, peakMb: peak >> 20 }));
// Runs until it is told to end, so that its open connections can be counted.
await new Promise<void>((resolve) => process.stdin.once("data", () => resolve()));
process.exit(0);
