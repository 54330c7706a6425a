import { afterEach, beforeEach, expect, test } from "bun:test";
import { drained, realArchiver, segmentOf, temporaryData } from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
afterEach(() => remove());

/** Starts a worker that finds no file to seal. */
function idleWorker(): Worker {
  const worker = new EventTarget();
  return Object.assign(worker, {
    postMessage({ id }: { id: number }) {
      const data = { id, kind: "done", result: { kind: "gone" } };
      queueMicrotask(() => worker.dispatchEvent(new MessageEvent("message", { data })));
    },
    terminate: () => worker.dispatchEvent(new Event("close")),
    unref() {},
    ref() {},
  }) as unknown as Worker;
}

// With a list of all waiting folders made after each segment, this took six minutes.
test("a backlog of 20,000 segments after an outage is sealed without delay", async () => {
  const archiver = realArchiver(dataDir, { startSealWorker: idleWorker });
  const startedMs = performance.now();
  for (let n = 0; n < 20_000; n++) archiver.seal(segmentOf(`00-00_${n}`));
  expect(archiver.status().segments_waiting).toBe(20_000);
  await drained(archiver);
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  await archiver.stop(0);
  expect(archiver.failures).toEqual([]);
});
