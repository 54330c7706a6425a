import { expect, test } from "bun:test";
import { describeStep, type Fault, runWithFault } from "../../support/crash/fault-run.ts";
import type { Step } from "../../support/crash/steps.ts";
import { straceMissing } from "../../support/machine/strace.ts";

const live = "live/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22";
const archive = "archive/stream=aggTrade/symbol=BTCUSDT/date=2026-11-22/BTCUSDT-aggTrade-2026-11-22";

/** One step of each part; the whole matrix is `bun test/bench/archive/crash-matrix.ts`. */
const chosen: readonly (readonly [Fault, Step])[] = [
  ["SIGKILL", { run: "record", part: "write", call: "write", path: `${live}/23-58.jsonl`, nth: 3 }],
  ["ENOSPC", { run: "record", part: "write", call: "write", path: `${live}/23-58.jsonl`, nth: 2 }],
  ["EIO", { run: "record", part: "rotate", call: "fsync", path: `${live}/23-58.jsonl`, nth: 1 }],
  ["SIGKILL", { run: "record", part: "journal", call: "write", path: "journal/recorder.journal", nth: 2 }],
  // The file has trades after the missing ids by then, but the gap is not recorded yet.
  ["SIGKILL", { run: "record", part: "journal", call: "fsync", path: "journal/recorder.journal", nth: 1 }],
  ["ENOSPC", { run: "record", part: "journal", call: "write", path: "journal/recorder.journal", nth: 2 }],
  ["SIGKILL", { run: "record", part: "seal", call: "rename", path: `${live}/23-58.jsonl.zst.tmp`, nth: 1 }],
  ["SIGKILL", { run: "record", part: "delete", call: "unlink", path: `${live}/23-58.jsonl`, nth: 1 }],
  ["SIGKILL", { run: "record", part: "merge", call: "fsync", path: `${archive}.jsonl.zst.tmp`, nth: 1 }],
  ["SIGKILL", { run: "again", part: "replace", call: "rename", path: `${archive}.manifest.json.tmp`, nth: 1 }],
  ["EIO", { run: "again", part: "replace", call: "rename", path: `${archive}.jsonl.zst.tmp`, nth: 1 }],
];

for (const [fault, step] of chosen) {
  test.skipIf(straceMissing !== "")(
    `${describeStep(step, fault)}: no written record is lost or doubled, every gap is written down, every file can be read${straceMissing}`,
    async () => {
      const { happened, ended, unreadable, lost, doubled, unwritten, problem } = await runWithFault(step, fault);
      expect({ happened, ended, unreadable, lost, doubled, unwritten, problem }).toEqual({
        ...{ happened: true, ended: fault === "SIGKILL", unreadable: [], lost: [], doubled: [], unwritten: [] },
        problem: null,
      });
    },
    60_000,
  );
}
