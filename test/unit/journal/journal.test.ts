import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Gap } from "../../../server/domain/gap.ts";
import { journalPath, openJournal, readJournal } from "../../../server/journal/journal.ts";
import { createJournalState } from "../../../server/journal/journal-state.ts";
import { readJournalFile } from "../../../server/journal/read-journal.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { type Log, silentLog } from "../../../server/platform/log/log.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-22" };
const startUs = Date.parse("2026-11-22T00:00:00Z") * 1000;

function gap(fromS: number, toS: number, more: Partial<Gap> = {}): Gap {
  const span = { from_us: startUs + fromS * 1e6, to_us: startUs + toS * 1e6 };
  return { stream: "depth20", symbol: "BTCUSDT", cause: "reconnect", missing: null, repaired: 0, ...span, ...more };
}

function spans(gaps: readonly Gap[] | undefined): string[] {
  return (gaps ?? []).map(({ from_us, to_us }) => `${(from_us - startUs) / 1e6}-${(to_us - startUs) / 1e6}`);
}

function collectingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const add = (text: string, fields: object = {}) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  return { log: { debug: () => {}, info: add, warn: add, error: add }, lines };
}

async function untilWritten(dataDir: string, count: number): Promise<void> {
  const isThere = () => (readJournal(dataDir)?.gapsOf(day).length ?? 0) >= count;
  await until(isThere, `${count} gaps in the journal's file`);
}

test("saved facts are known to the next run, however the previous run ended", async () => {
  const dataDir = temporaryFolder();
  const first = openJournal(dataDir, { log: silentLog });
  first.beginRun(startUs);
  first.saveGaps([gap(10, 20), gap(30, 40)]);
  first.saveGaps([gap(10, 25, { missing: 7 })]);
  first.addBackfilled(gap(10, 0), 5);
  first.backfills.save({
    stream: "trade",
    symbol: "BTCUSDT",
    fromId: 5,
    toId: 9,
    fromUs: startUs,
    toUs: startUs + 1,
    cause: "missing",
    nextId: 6,
    fetched: 1,
  });
  first.saveLastRecords([["depth20", "BTCUSDT", startUs + 5, 77]]);
  first.saveRun(startUs + 9, false);
  await untilWritten(dataDir, 2);
  const next = openJournal(dataDir, { log: silentLog });
  expect(next.id).toBe(first.id);
  expect(next.gapsOf(day)).toEqual([gap(10, 25, { missing: 7, repaired: 5 }), gap(30, 40)]);
  expect(next.backfills.all()).toHaveLength(1);
  expect(next.lastRecord("depth20", "BTCUSDT")).toEqual({ recvUs: startUs + 5, id: 77 });
  expect(next.runs()).toMatchObject([{ started_us: startUs, last_recv_us: startUs + 9, clean: false }]);
  next.backfills.remove({ stream: "trade", symbol: "BTCUSDT", fromId: 5 });
  await next.close(5000);
  expect(openJournal(dataDir, { log: silentLog }).backfills.all()).toEqual([]);
});

test("the next run knows the receipts of the latest records that were saved, oldest first, of no more than twenty minutes", async () => {
  const dataDir = temporaryFolder();
  const first = openJournal(dataDir, { log: silentLog });
  first.saveGaps([gap(10, 20)]);
  await untilWritten(dataDir, 1);
  for (let n = 0; n < 130; n++) first.saveLastRecords([["depth20", "BTCUSDT", startUs + n, n]]);
  await first.close(5000);
  const receipts = openJournal(dataDir, { log: silentLog }).savedReceipts("depth20", "BTCUSDT");
  expect(receipts).toEqual(Array.from({ length: 128 }, (_, n) => startUs + 2 + n));
});

test("torn and damaged lines are skipped, counted and logged; every other line is read", async () => {
  const dataDir = temporaryFolder();
  const first = openJournal(dataDir, { log: silentLog });
  for (let n = 0; n < 10; n++) first.saveGaps([gap(n * 10, n * 10 + 1)]);
  await first.close(5000);
  const path = journalPath(dataDir);
  const lines = readFileSync(path, "utf8").split("\n");
  const at = lines.findIndex((line) => line.includes(String(gap(30, 31).from_us)));
  lines[at] = (lines[at] ?? "").replace("reconnect", "recoNnect");
  writeFileSync(path, lines.join("\n"));
  truncateSync(path, readFileSync(path).length - 9);
  const { log, lines: logged } = collectingLog();
  const next = openJournal(dataDir, { log });
  expect(spans(next.gapsOf(day))).toEqual(["0-1", "10-11", "20-21", "40-41", "50-51", "60-61", "70-71", "80-81"]);
  expect(logged.join()).toContain('"lines":2');
  next.saveGaps([gap(200, 201)]);
  await next.close(5000);
  expect(openJournal(dataDir, { log: silentLog }).gapsOf(day)).toHaveLength(9);
});

const harms: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  "deleted with its folder": (path) => rmSync(dirname(path), { recursive: true }),
  "cut off": (path) => truncateSync(path, 20),
  "replaced by another file": (path) => {
    writeFileSync(`${path}.other`, "something else\n");
    renameSync(`${path}.other`, path);
  },
  "appended to by another program": (path) => appendFileSync(path, "half a line of another program"),
};

for (const [change, harm] of Object.entries(harms)) {
  test(`a journal that is ${change} while in use is rewritten from memory`, async () => {
    const dataDir = temporaryFolder();
    const { log, lines } = collectingLog();
    const journal = openJournal(dataDir, { log });
    journal.saveGaps([gap(10, 20)]);
    await untilWritten(dataDir, 1);
    // Room is kept once the first file is complete.
    await until(() => {
      journal.poll();
      return existsSync(`${journalPath(dataDir)}.reserve`);
    }, "the journal to be at rest");
    harm(journalPath(dataDir));
    await until(() => {
      journal.poll();
      return lines.some((line) => line.includes("rewriting it from memory"));
    }, "the journal to notice");
    journal.saveGaps([gap(30, 40)]);
    await untilWritten(dataDir, 2);
    await journal.close(5000);
    expect(spans(readJournal(dataDir)?.gapsOf(day))).toEqual(["10-20", "30-40"]);
    const { log: later, lines: damage } = collectingLog();
    openJournal(dataDir, { log: later });
    expect(damage).toEqual([]);
  });
}

test("entries that the disk refuses are kept and written later; each change is logged once", async () => {
  const dataDir = temporaryFolder();
  const folder = join(dataDir, "journal");
  // Root may write anywhere. A dangling link refuses writes even to root, and is not a file that could be moved aside.
  symlinkSync(join(dataDir, "nowhere"), folder);
  const { log, lines } = collectingLog();
  const journal = openJournal(dataDir, { log });
  journal.saveGaps([gap(10, 20)]);
  await until(() => journal.problem() !== null, "the disk to refuse entries");
  journal.poll();
  journal.saveGaps([gap(30, 40)]);
  rmSync(folder);
  await until(() => {
    journal.poll();
    return journal.problem() === null;
  }, "the disk to accept entries");
  await untilWritten(dataDir, 2);
  expect(lines.filter((line) => line.includes("cannot write the journal"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("can be written again; all entries"))).toHaveLength(1);
  await journal.close(5000);
});

for (const when of ["while in use", "between two runs"] as const) {
  for (const obstacle of ["a file in place of its folder", "a folder in place of its file"] as const) {
    test(`${obstacle}, ${when}, is moved aside, and the journal is rewritten`, async () => {
      const dataDir = temporaryFolder();
      const path = journalPath(dataDir);
      let journal = openJournal(dataDir, { log: silentLog });
      journal.saveGaps([gap(10, 20)]);
      journal.poll();
      await untilWritten(dataDir, 1);
      if (when === "between two runs") await journal.close(5000);
      rmSync(obstacle.startsWith("a file") ? dirname(path) : path, { recursive: true });
      if (obstacle.startsWith("a file")) writeFileSync(dirname(path), "not a folder");
      else mkdirSync(join(path, "inside"), { recursive: true });
      const { log, lines } = collectingLog();
      if (when === "between two runs") journal = openJournal(dataDir, { log });
      journal.saveGaps([gap(30, 40)]);
      await until(() => {
        journal.poll();
        return (readJournal(dataDir)?.gapsOf(day).length ?? 0) > 0;
      }, "the journal to be rewritten");
      await journal.close(5000);
      const known = when === "between two runs" ? ["30-40"] : ["10-20", "30-40"];
      expect(spans(readJournal(dataDir)?.gapsOf(day))).toEqual(known);
      expect(
        existsSync(join(dataDir, "quarantine", obstacle.startsWith("a file") ? "journal" : "recorder.journal")),
      ).toBe(true);
      if (when === "between two runs") expect(lines.some((line) => line.includes("was moved to"))).toBe(true);
    });
  }
}

test("a journal shrinks to its current content, and keeps entries saved meanwhile", async () => {
  const dataDir = temporaryFolder();
  mkdirSync(join(dataDir, "journal"), { recursive: true });
  const journal = openJournal(dataDir, { log: silentLog });
  journal.beginRun(startUs);
  for (let n = 0; n < 40_000; n++) journal.saveRun(startUs + n, false);
  journal.poll();
  let n = 0;
  await until(() => {
    journal.saveGaps([gap(n, n + 0.5)]);
    n++;
    journal.poll();
    return n > 20 && existsSync(journalPath(dataDir)) && readFileSync(journalPath(dataDir)).length < 100_000;
  }, "the journal to shrink");
  await journal.close(5000);
  expect(readJournal(dataDir)?.gapsOf(day)).toHaveLength(n);
});

test("beyond its limit adjacent gaps of a stream are joined, so no gap is lost", () => {
  const state = createJournalState(10);
  for (let n = 0; n < 64; n++) state.apply({ kind: "gap", gap: gap(n * 10, n * 10 + 1, { missing: 1 }) }, n);
  state.apply({ kind: "gap", gap: gap(5, 6, { symbol: "ETHUSDT" }) }, 99);
  const gaps = state.gapsOf(day);
  expect(state.gapCount()).toBeLessThanOrEqual(11);
  for (let n = 0; n < 64; n++)
    expect(
      gaps.some(({ from_us, to_us }) => from_us <= gap(n * 10, 0).from_us && to_us >= gap(0, n * 10 + 1).to_us),
    ).toBe(true);
  expect(gaps.reduce((sum, { missing }) => sum + (missing ?? 0), 0)).toBe(64);
  expect(state.gapsOf({ ...day, symbol: "ETHUSDT" })).toHaveLength(1);
});

test("half of a rewrite that a crash has left behind is removed", async () => {
  const dataDir = temporaryFolder();
  const first = openJournal(dataDir, { log: silentLog });
  first.saveGaps([gap(10, 20)]);
  await first.close(5000);
  const rest = `${journalPath(dataDir)}.tmp`;
  writeFileSync(rest, "half of a rewr");
  const next = openJournal(dataDir, { log: silentLog });
  next.poll();
  await until(() => !existsSync(rest), "the rest to be removed");
  await next.close(5000);
  expect(spans(openJournal(dataDir, { log: silentLog }).gapsOf(day))).toEqual(["10-20"]);
});

test("what is saved while the very first file is put in place is on disk, at each step of that", async () => {
  const steps = ["fsync", "rename", "stat"] as const;
  for (const at of steps) {
    const dataDir = temporaryFolder();
    let onStep = () => {};
    const fsync = ((fd: number, ended: (error: Error | null) => void) => {
      if (at === "fsync") onStep();
      systemFiles.fsync(fd, ended);
    }) as typeof systemFiles.fsync;
    const rename = async (from: string, to: string) => {
      if (at === "rename") onStep();
      await systemFiles.async.rename(from, to);
    };
    const stat = ((path: string) => {
      if (at === "stat") onStep();
      return systemFiles.async.stat(path);
    }) as typeof systemFiles.async.stat;
    const replaced = { ...systemFiles, fsync, async: { ...systemFiles.async, rename, stat } };
    replaceFiles(replaced as typeof systemFiles);
    try {
      const journal = openJournal(dataDir, { log: silentLog });
      let saved = 0;
      onStep = () => journal.saveGaps([gap(saved * 10, saved++ * 10 + 5)]);
      journal.beginRun(startUs);
      await journal.close(5000);
      expect([at, saved > 0]).toEqual([at, true]);
      expect([at, readJournal(dataDir)?.gapsOf(day).length]).toEqual([at, saved]);
    } finally {
      replaceFiles(systemFiles);
    }
  }
});

test("a full disk does not keep gaps from the journal: it gives up the room that was kept for it", async () => {
  const dataDir = temporaryFolder();
  const journal = openJournal(dataDir, { log: silentLog });
  journal.saveGaps([gap(0, 1)]);
  await untilWritten(dataDir, 1);
  const reserve = `${journalPath(dataDir)}.reserve`;
  await until(() => {
    journal.poll();
    return existsSync(reserve);
  }, "the room to be kept");
  await until(() => statSync(reserve).size >= 65_536, "the room to be complete");
  const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  const write = ((fd, content, at, length, position, ended) => {
    if (existsSync(reserve)) ended(full, 0, content);
    else systemFiles.write(fd, content, at, length, position, ended);
  }) as typeof systemFiles.write;
  replaceFiles({ ...systemFiles, write });
  try {
    journal.saveGaps([gap(10, 15)]);
    await untilWritten(dataDir, 2);
    await until(() => journal.problem() === null, "the end of the problem");
  } finally {
    replaceFiles(systemFiles);
  }
  await journal.close(5000);
  expect(spans(readJournal(dataDir)?.gapsOf(day))).toEqual(["0-1", "10-15"]);
});

test("a gap and its missing ids that are saved together are in the file together after every write, so that no kill parts them", async () => {
  const dataDir = temporaryFolder();
  const journal = openJournal(dataDir, { log: silentLog });
  journal.saveGaps([gap(0, 1)]);
  await untilWritten(dataDir, 1);
  const states: (readonly [gaps: number, missingIds: number])[] = [];
  const write = ((fd, content, at, length, position, ended) =>
    systemFiles.write(fd, content, at, length, position, (error, count, buffer) => {
      const { state } = readJournalFile(journalPath(dataDir));
      states.push([state.gapsOf(day).length, state.backfills().length]);
      ended(error, count, buffer);
    })) as typeof systemFiles.write;
  replaceFiles({ ...systemFiles, write });
  try {
    for (let n = 1; n <= 3; n++) {
      journal.saveGaps([gap(n * 10, n * 10 + 5, { missing: 6 })]);
      const span = { fromUs: startUs, toUs: startUs + 1, fromId: n * 10, toId: n * 10 + 5 };
      const missing = {
        stream: "trade",
        symbol: "BTCUSDT",
        ...span,
        cause: "crash",
        nextId: n * 10,
        fetched: 0,
      } as const;
      journal.backfills.save(missing);
      await until(() => states.length >= n, "the write");
    }
    await journal.close(5000);
  } finally {
    replaceFiles(systemFiles);
  }
  expect(states).toEqual([
    [2, 1],
    [3, 2],
    [4, 3],
  ]);
});
