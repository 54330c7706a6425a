/** `bun run bench [--quick]`: figures as ratios of two things measured in turn in one run, as a Markdown table. */
import { cpus, totalmem } from "node:os";
import { median } from "./cpu.ts";
import { measureFloor, measureRecorder, type Run } from "./record-against-floor.ts";

const quick = process.argv.includes("--quick");
const rounds = quick ? 1 : 3;
/** A recorder's run holds a whole minute, so that each file is rotated and sealed once in it. */
const recorderMs = quick ? 10_000 : 60_000;
const floorMs = quick ? 5000 : 15_000;

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Bun ${Bun.version}`);
console.log(
  `CPU per message, sealing and one dashboard included, against a bare client that only writes the text to a file; ${rounds} rounds\n`,
);
console.log("| messages/s | bare client, µs | RT-Data, µs | ratio (min–max) | goal | memory |");
console.log("|---|---|---|---|---|---|");
for (const rate of [150, 3000, 30_000]) {
  const floors: Run[] = [];
  const recorders: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await measureFloor(rate, floorMs));
    recorders.push(await measureRecorder(rate, recorderMs));
  }
  const ratios = recorders.map((run, n) => run.usPerMessage / (floors[n]?.usPerMessage ?? Number.NaN));
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  const [floor, recorder] = [floors, recorders].map((runs) =>
    median(runs.map(({ usPerMessage }) => usPerMessage)).toFixed(1),
  );
  const memory = `${Math.round(Math.max(...recorders.map(({ memoryBytes }) => memoryBytes)) / 1e6)} MB`;
  const reached = Math.round(median(recorders.map(({ perSecond }) => perSecond)));
  console.log(
    `| ${reached} of ${rate} | ${floor} | ${recorder} | ${median(ratios).toFixed(2)} (${spread}) | ≤ 1.5 | ${memory} |`,
  );
}
