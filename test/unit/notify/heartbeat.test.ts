import { afterEach, expect, test } from "bun:test";
import { createHeartbeat } from "../../../server/notify/heartbeat.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { until } from "../../support/wait.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const lines: string[] = [];
const log = createLog({ level: "debug", format: "text", color: false }, (line) => lines.push(line));
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  lines.length = 0;
});

function begin(receiver: Receiver) {
  let us = 1_700_000_000_000_000;
  const heartbeat = createHeartbeat(
    { url: receiver.url, everySeconds: 60, version: "1.2.3", timeoutMs: 200 },
    { nowUs: () => us, log },
  );
  ends.push(heartbeat.stop, receiver.stop);
  /** Lets seconds pass: each with a tick, whose request then ends. */
  const pass = async (seconds: number, ready: boolean) => {
    for (let n = 0; n < seconds; n++) {
      us += 1e6;
      const before = receiver.requests.length;
      heartbeat.tick(() => ready);
      await heartbeat.settled();
      if (receiver.requests.length > before + 1) throw new Error("two beats in one second");
    }
  };
  return { heartbeat, pass };
}

test("the heartbeat is sent regularly while data flows, and not at all while it does not", async () => {
  const receiver = startReceiver();
  const { pass } = begin(receiver);
  await pass(100, false);
  expect(receiver.requests).toHaveLength(0);
  await pass(1, true);
  expect(receiver.requests).toHaveLength(1);
  await pass(180, true);
  expect(receiver.requests).toHaveLength(4);
  expect(receiver.requests[0]).toMatchObject({ method: "GET", body: "" });
  await pass(300, false);
  expect(receiver.requests).toHaveLength(4);
  // It beats at once when data flows again, but not more often when data comes and goes.
  await pass(1, true);
  expect(receiver.requests).toHaveLength(5);
  for (let n = 0; n < 50; n++) await pass(1, n % 2 === 1);
  expect(receiver.requests).toHaveLength(5);
});

test("an unreachable watcher is logged once, without its secret, and once more when it can be reached again", async () => {
  const receiver = startReceiver();
  const { heartbeat, pass } = begin(receiver);
  receiver.answer(500);
  await pass(181, true);
  expect(heartbeat.status()).toMatchObject({ last_us: null, problem: "it answered 500" });
  receiver.answer("hang");
  await pass(60, true);
  expect(heartbeat.status().problem).toBe("no answer in time");
  expect(lines).toHaveLength(1);
  receiver.answer(200);
  await pass(60, true);
  expect(lines).toHaveLength(2);
  expect(heartbeat.status()).toMatchObject({ last_us: expect.any(Number), problem: null });
  await receiver.stop();
  await pass(60, true);
  await until(() => heartbeat.status().problem !== null, "the watcher to be missed");
  expect(JSON.stringify(heartbeat.status()) + lines.join("")).not.toContain("s3cr3t");
});
