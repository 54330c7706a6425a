import { expect, test } from "bun:test";
import { createRecordNotices } from "../../../server/app/upgrade/record-notices.ts";
import { handOver } from "../../../server/cli/record/hand-over.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { FromParent } from "../../../server/upgrade/protocol.ts";
import {
  endsWithUs,
  noRoom,
  ownCommand,
  spawnChild,
  takeOverFlag,
  type UpgradeChild,
} from "../../../server/upgrade/spawn.ts";
import { isRunning } from "../../support/upgrades.ts";

const hang = "setInterval(() => {}, 1000);";
const hello = 'process.send({ type: "hello", protocol: 1, version: "2" });';
const onBegun = (code: string) => `process.on("message", ({ type }) => { if (type === "begun") { ${code} } });`;

/** Hands an app, of which only the calls count, over to a process that runs this code. */
async function handOverTo(code: string) {
  const calls: string[] = [];
  const app = {
    departure: {
      begin: () => new Map(),
      cancel: () => void calls.push("cancel"),
      refusal: () => null,
      isSettled: () => true,
      retire: async () => void calls.push("retire"),
      clockOffsetMs: () => null,
      leave() {
        calls.push("leave");
        return [
          { stream: "btcusdt@trade", fromUs: 5, toUs: null, cause: "silent" as const, alone: false, provable: false },
        ];
      },
    },
    stop: async () => void calls.push("stop"),
  };
  const processes: UpgradeChild[] = [];
  const start = () => {
    const successor = spawnChild([process.execPath, "-e", code]);
    processes.push(successor);
    return successor;
  };
  const times = { helloMs: 1000, readyMs: 700, recordingMs: 700 };
  const deps = { spawnChild: start, nowUs: () => 9, stop: new AbortController().signal, log: silentLog };
  const outcome = await handOver(app, { dataDir: "/nowhere", version: "1", times }, deps);
  return { outcome, calls, runs: isRunning(processes[0]?.pid ?? 0) };
}

test("a child that hangs before it is ready is ended, and the parent goes on unchanged", async () => {
  const [silent, unready] = await Promise.all([handOverTo(hang), handOverTo(hello + hang)]);
  expect(silent).toEqual({
    outcome: { kind: "stays", reason: "the new process did not answer within 1 s" },
    calls: ["cancel"],
    runs: false,
  });
  expect(unready).toEqual({
    outcome: { kind: "stays", reason: "the new process did not receive all streams within 1 s" },
    calls: ["cancel"],
    runs: false,
  });
});

test("a child that hangs after the parent has stopped is ended before the parent starts again, with the parent's open gaps", async () => {
  const stuck = await handOverTo(`${onBegun('process.send({ type: "ready", streams: 0 })')} ${hello} ${hang}`);
  const gap: Gap = {
    stream: "trade",
    symbol: "BTCUSDT",
    from_us: 5,
    to_us: 9,
    cause: "silent",
    missing: null,
    repaired: 0,
  };
  expect(stuck).toEqual({
    outcome: { kind: "restart", reason: "the new process did not start recording within 1 s", left: [gap] },
    calls: ["retire", "leave", "stop", "stop"],
    runs: false,
  });
});

test("a child that cannot be started, or for which the memory is too small, is refused with the reason", async () => {
  const start = () => spawnChild(["/nowhere/rt-data"]);
  const deps = { spawnChild: start, nowUs: () => 9, stop: new AbortController().signal, log: silentLog };
  const outcome = await handOver({} as never, { dataDir: "/nowhere", version: "1" }, deps);
  expect(outcome).toMatchObject({ kind: "stays", reason: expect.stringContaining("/nowhere/rt-data") });
  expect(noRoom("MemAvailable:   100000 kB", 200e6)).toContain("needs 234 MB more memory; only 102 MB are available");
  expect(noRoom("MemAvailable:   900000 kB", 200e6)).toBeNull();
});

test("no child is started if it would end together with the parent", () => {
  expect(endsWithUs({ pid: 1, isService: false, canNotify: false })).toContain("the container's first process");
  expect(endsWithUs({ pid: 2, isService: true, canNotify: false })).toContain("Type=notify");
  expect(endsWithUs({ pid: 2, isService: true, canNotify: true })).toBeNull();
  expect(endsWithUs({ pid: 2, isService: false, canNotify: false })).toBeNull();
});

test("the child gets the arguments of the parent, and the flag once", () => {
  const words = ownCommand();
  expect(words[0]).toBe(process.execPath);
  expect(words.filter((word) => word === takeOverFlag)).toEqual([takeOverFlag]);
});

test("unconfirmed notices are sent up to a limit, then the child counts as stuck", async () => {
  const sent: FromParent[] = [];
  const sender = createRecordNotices((message) => void sent.push(message));
  const about = { firstId: 1, mark: 7, recvUs: 10, isEpoch: false };
  sender.add("btcusdt@trade", { ...about, id: 1 });
  sender.start(["btcusdt@trade"]);
  expect(sent).toEqual([{ type: "notes", batch: 1, notes: [0, 1, 1, 7, 10, 0] }]);
  const failures: string[] = [];
  sender.failed.catch((error: Error) => {
    failures.push(error.message);
  });
  for (let id = 2; id < 800_002; id++) sender.add("btcusdt@trade", { ...about, id });
  sender.stop();
  await Promise.resolve();
  expect(failures).toEqual(["the child process does not keep up with the records"]);
});
