/**
 * `bun syscalls.ts [seconds]`: system calls of the recorder a thousand messages at 3,000 messages/s, over at least one rotation, counted by
 * `strace -c`; prints JSON.
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRecorder, startSender } from "../processes.ts";

const seconds = Number(process.argv[2] ?? 62);
const sender = await startSender(3000);
const recorder = await startRecorder(sender, { symbols: 15, segmentMinutes: 1 });
const out = join(tmpdir(), `rt-data-strace-${process.pid}`);
await Bun.sleep(2000);
const before = (await recorder.status()).totals.records;
const strace = Bun.spawn(["strace", "-f", "-c", "-qq", "-o", out, "-p", String(recorder.pid)], { stderr: "ignore" });
await Bun.sleep(seconds * 1000);
strace.kill("SIGINT");
await strace.exited;
const messages = (await recorder.status()).totals.records - before;
const counts = Object.fromEntries(
  (await Bun.file(out).text())
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length >= 5 && /^\d/.test(words[0] ?? ""))
    .map((words) => [words.at(-1) ?? "", (Number(words[3]) * 1000) / messages]),
);
await recorder.stop();
await sender.stop();
rmSync(out, { force: true });
console.log(JSON.stringify({ messages, counts }));
process.exit(0);
