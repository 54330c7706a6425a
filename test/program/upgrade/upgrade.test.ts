import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { endRecorders, isRunning, mergeAll, startUpgradable } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

afterEach(endRecorders);

test("three upgrades in a row under load lose and double no record, and the merged day is complete", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const market = await startUpgradable({ dataDir, program: rtData, symbols: 30, speed: 6 });
  const pids = [market.pid()];
  for (let n = 0; n < 3; n++) {
    const [old = 0, before] = [pids.at(-1), market.sentCount()];
    await until(() => market.sentCount() > before + 1000, "data to flow");
    const { result } = await market.upgrade(old);
    expect(result).toMatchObject({ kind: "handed_over", pid: market.pid() });
    pids.push(market.pid());
    await until(() => !isRunning(old), "the old process to end");
  }
  expect(new Set(pids).size).toBe(4);
  expect(market.messagesPerSecond()).toBeGreaterThan(1000);
  const found = await market.finish(market.pid());
  expect(found).toMatchObject({ recorded: found.sent, lost: 0, doubled: 0, foreign: 0, unordered: [], gaps: [] });

  await mergeAll(dataDir);
  const verified = await run(["verify", "--quiet", "--data-dir", dataDir]);
  expect(verified).toEqual({ code: 0, output: "", errors: "" });
}, 240_000);
