/**
 * `bun test/bench/replay/replay-spacing.ts [seconds]`: `rt-data replay` at ×1 over real messages, five minutes of them; by how much the time
 * between two messages differs from the recorded time between them, at a client in another process.
 */
import { join } from "node:path";
import { formatTime } from "../../../server/platform/time/time-parser.ts";
import { realDataDir, realMessages } from "../../support/simulator/real-data.ts";

const seconds = Number(process.argv[2] ?? 300);
const file = "depth20+trade.btc-eth.2024-08-08.jsonl.gz";
const main = join(import.meta.dir, "../../../server/main.ts");
const all = realMessages(file).toSorted((a, b) => a.t - b.t);
const endMs = (all[0]?.t ?? 0) + seconds * 1000;
const expected = all.filter(({ t }) => t < endMs);
const streams = [...new Set(expected.map(({ raw }) => /"stream":"([^"]+)"/.exec(raw)?.[1] ?? ""))];

const words = ["replay", "--data", join(realDataDir, file), "--to", formatTime(endMs * 1000), "--port", "0"];
const server = Bun.spawn([process.execPath, main, ...words], { stdout: "pipe", stderr: "inherit", env: {} });
let printed = "";
for await (const chunk of server.stdout) {
  printed += new TextDecoder().decode(chunk);
  if (printed.includes("Control:")) break;
}
const url = `${/ws:\S+/.exec(printed)?.[0]}?streams=${streams.join("/")}`;
const socket = new WebSocket(url, { perMessageDeflate: false } as unknown as string[]);
const at: number[] = [];
let different = 0;
socket.onmessage = ({ data }) => {
  if (data !== expected[at.length]?.raw) different++;
  at.push(performance.now());
};
await new Promise((resolve) => {
  socket.onclose = resolve;
});
const code = await server.exited;

const errors = at
  .slice(1)
  .map((time, n) => Math.abs(time - (at[n] ?? 0) - ((expected[n + 1]?.t ?? 0) - (expected[n]?.t ?? 0))))
  .sort((a, b) => a - b);
const quantile = (q: number) => (errors[Math.floor(q * (errors.length - 1))] ?? Number.NaN).toFixed(2);
const drift = ((at.at(-1) ?? 0) - (at[0] ?? 0) - ((expected[at.length - 1]?.t ?? 0) - (expected[0]?.t ?? 0))).toFixed(
  1,
);
console.log(`${at.length} of ${expected.length} messages of ${file}, ${different} differ, exit code ${code}`);
console.log("| spacing, difference to the recorded | p50 | p99 | p99.9 | most | drift over all | goal |");
console.log("|---|---|---|---|---|---|---|");
console.log(`| ms | ${quantile(0.5)} | ${quantile(0.99)} | ${quantile(0.999)} | ${quantile(1)} | ${drift} | p99 ≤ 5 |`);
