import { afterEach, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { createSettledGaps } from "../../../server/app/gaps/settled-gaps.ts";
import { type Day, dateOf, dateStartUs, dayUs, liveFolder } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { drained, lines, realArchiver, segmentOf, writeRaw, day as yesterday } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";

afterEach(() => replaceFiles(systemFiles));

const gap: Gap = {
  ...{ stream: yesterday.stream, symbol: yesterday.symbol, cause: "restart", missing: null, repaired: 0 },
  ...{ from_us: dateStartUs(yesterday.date) + 100e6, to_us: dateStartUs(yesterday.date) + 200e6 },
};

test("a gap that the ids settle while its day is being merged reaches the manifest", async () => {
  const dataDir = temporaryFolder();
  const journal = openJournal(dataDir, { log: silentLog });
  journal.saveGaps([gap]);
  const asked: Day[] = [];
  const archiver = realArchiver(dataDir, { gapsOf: journal.gapsOf });
  const now = () => ({ kind: "confirmed" as const, us: dateStartUs(yesterday.date) + 2 * dayUs });
  const merge = (day: Day) => {
    asked.push(day);
    archiver.merge(day);
  };
  const settled = createSettledGaps({ journal, dataDir, merge, now, log: silentLog });
  writeRaw(dataDir, segmentOf("00-00"), lines(0, 50));
  archiver.seal(segmentOf("00-00"));
  await drained(archiver);
  archiver.merge(yesterday);
  // The merge runs in a worker with the gap as it was. Its manifest is not there yet.
  expect(readManifest(dataDir, yesterday)).toBeNull();
  journal.saveGaps([{ ...gap, missing: 0 }]);
  settled.tick();
  await drained(archiver);
  expect(asked).toEqual([{ stream: gap.stream, symbol: gap.symbol, date: yesterday.date }]);
  expect(readManifest(dataDir, yesterday)?.gaps).toMatchObject([{ missing: 0 }]);
  await archiver.stop(0);
  await journal.close(1000);
});

test("a gap of a day without any file asks for no merge", () => {
  const dataDir = temporaryFolder();
  const journal = openJournal(dataDir, { log: silentLog });
  const asked: Day[] = [];
  const us = dateStartUs(yesterday.date) + 2 * dayUs;
  const now = () => ({ kind: "confirmed" as const, us });
  const settled = createSettledGaps({ journal, dataDir, merge: (day) => asked.push(day), now, log: silentLog });
  journal.saveGaps([gap]);
  settled.tick();
  expect(asked).toEqual([]);
  // Today's regular merge will write its gaps.
  mkdirSync(liveFolder(dataDir, { ...yesterday, date: dateOf(us) }), { recursive: true });
  journal.saveGaps([{ ...gap, from_us: us + 1, to_us: us + 2 }]);
  settled.tick();
  expect(asked).toEqual([]);
});

test("a day whose file system gives no answer waits for its merge", () => {
  const dataDir = temporaryFolder();
  const journal = openJournal(dataDir, { log: silentLog });
  const asked: Day[] = [];
  const now = () => ({ kind: "confirmed" as const, us: dateStartUs(yesterday.date) + 2 * dayUs });
  const settled = createSettledGaps({ journal, dataDir, merge: (day) => asked.push(day), now, log: silentLog });
  mkdirSync(liveFolder(dataDir, yesterday), { recursive: true });
  journal.saveGaps([gap]);
  const statSync = () => {
    throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  replaceFiles({ ...systemFiles, statSync } as never);
  settled.tick();
  expect(asked).toEqual([]);
  replaceFiles(systemFiles);
  settled.tick();
  expect(asked).toEqual([{ stream: gap.stream, symbol: gap.symbol, date: yesterday.date }]);
});
