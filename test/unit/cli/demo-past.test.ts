import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "../../../server/app/app.ts";
import { openPast } from "../../../server/cli/replay/past/past.ts";
import { journalPath } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

const config = appConfig({ "record.symbols": ["BTCUSDT"] });

/** Writes a past of two days, and stops after some of its four archives. */
async function invent(dataDir: string, archives: number, days = 2) {
  const past = openPast(dataDir, config, days, 1);
  past.writeToday();
  let written = 0;
  let share = Number.NaN;
  const adoptArchive = () => {
    if (++written === archives) void past.stop();
  };
  const app = { adoptArchive } as unknown as App;
  past.start({ app, host: "test", onShare: (now) => (share = now), log: silentLog });
  if (days > 0) await until(() => written === archives || share === 1, "the past", 60_000);
  await past.stop();
  return { isNew: past.isNew, written, share };
}

test("a demo that was killed while it invented its past goes on with it, and the days fit together", async () => {
  const dataDir = join(temporaryFolder(), "data");
  expect(await invent(dataDir, 1)).toMatchObject({ isNew: true, written: 1 });
  // The recorder has run since; the killed demo left a day half made.
  mkdirSync(join(journalPath(dataDir), ".."), { recursive: true });
  writeFileSync(journalPath(dataDir), "");
  mkdirSync(join(dataDir, "quarantine", "demo-past", "live"), { recursive: true });

  expect(await invent(dataDir, 9, 0)).toMatchObject({ isNew: false, written: 0 });
  expect(await invent(dataDir, 9)).toEqual({ isNew: false, written: 3, share: 1 });
  for (const stream of ["depth20", "aggTrade"])
    expect(readdirSync(join(dataDir, "archive", `stream=${stream}`, "symbol=BTCUSDT"))).toHaveLength(2);
  expect(readdirSync(dataDir)).not.toContain("quarantine");
  const { code, output } = await run(["verify", "--data-dir", dataDir, "--stream", "aggTrade"]);
  // Just after midnight there is no trade of today yet.
  expect([code, output]).toEqual([0, expect.stringMatching(/1 stream: [23] complete, 0 with gaps, 0 damaged/)]);
  rmSync(dataDir, { recursive: true });
}, 120_000);

test("a demo that was killed before its recorder had started begins its past again", async () => {
  const dataDir = join(temporaryFolder(), "data");
  openPast(dataDir, config, 1, 1).writeToday();
  mkdirSync(join(dataDir, "live"), { recursive: true });
  expect(openPast(dataDir, config, 1, 1).isNew).toBe(true);
  // A folder with other data gets no past.
  rmSync(join(dataDir, "quarantine"), { recursive: true });
  expect(openPast(dataDir, config, 1, 1).isNew).toBe(false);
  rmSync(dataDir, { recursive: true });
});
