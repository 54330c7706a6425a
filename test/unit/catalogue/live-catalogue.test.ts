import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { createLiveCatalogue } from "../../../server/catalogue/live-catalogue.ts";
import { dateStartUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-22" };
const startUs = dateStartUs(day.date);
const everything = { stream: null, symbol: null, cause: null, fromUs: null, toUs: null };

function gap(fromS: number): Gap {
  const span = { from_us: startUs + fromS * 1e6, to_us: startUs + (fromS + 1) * 1e6 };
  return { stream: "depth20", symbol: "BTCUSDT", cause: "reconnect", missing: null, repaired: 0, ...span };
}

function open(dataDir: string) {
  const log: string[] = [];
  const lines = createLog({ level: "info", format: "text", color: false }, (line) => log.push(line));
  const journal = openJournal(dataDir, { log: lines });
  const catalogue = createLiveCatalogue(dataDir, journal, { nowUs: () => startUs, log: lines });
  const fresh: string[] = [];
  journal.onGap(catalogue.follow);
  catalogue.start((why) => why !== null && fresh.push(why));
  catalogue.setComplete();
  const from = () => catalogue.gapsOf(day).map(({ from_us }) => (from_us - startUs) / 1e6);
  return { catalogue, journal, log, fresh, from };
}

/** Reads the file as another program does. */
function inFile(dataDir: string): number[] {
  const found = openCatalogue(dataDir);
  const gaps = found.gapsOf(day).map(({ from_us }) => (from_us - startUs) / 1e6);
  found.close();
  return gaps;
}

const event = (message: string) => ({ at_us: startUs, kind: "test", message });

type Harm = (path: string, oldCopy: string) => void;
/** Each change, and whether a new file must be created. */
const harms: Record<string, readonly [harm: Harm, isFresh: boolean]> = {
  deleted: [(path) => rmSync(path), false],
  "deleted with its log": [(path) => ["", "-wal", "-shm"].map((end) => rmSync(path + end, { force: true })), false],
  "replaced by another file": [
    (path) => {
      writeFileSync(`${path}.other`, "somebody else's");
      renameSync(`${path}.other`, path);
    },
    false,
  ],
  "replaced by an old copy": [(path, oldCopy) => renameSync(oldCopy, path), false],
  "overwritten by an old copy": [(path, oldCopy) => copyFileSync(oldCopy, path), true],
  "overwritten with something else": [(path) => writeFileSync(path, "x".repeat(20_000)), true],
  "overwritten by another database": [
    (path) => {
      const other = new Database(`${path}.other`);
      other.run("create table gap (x)");
      other.close();
      writeFileSync(path, readFileSync(`${path}.other`));
    },
    true,
  ],
  "cut off in the middle": [(path) => truncateSync(path, 5000), true],
  "overwritten by an old copy after somebody's checkpoint": [
    (path) => {
      copyFileSync(path, `${path}.before`);
      const other = new Database(path);
      other.run("pragma wal_checkpoint(truncate)");
      other.close();
      writeFileSync(path, readFileSync(`${path}.before`));
    },
    false,
  ],
  emptied: [(path) => truncateSync(path, 0), true],
};

for (const [what, [harm, isFresh]] of Object.entries(harms)) {
  test(`a catalogue that is ${what} while it is in use is detected; every gap, incident and event is in the file again`, async () => {
    const dataDir = temporaryFolder();
    const path = join(dataDir, "rt-data.sqlite");
    const before = open(dataDir);
    before.journal.saveGaps([gap(1)]);
    before.catalogue.gapsOf(day);
    await before.journal.close(5000);
    before.catalogue.close();
    copyFileSync(path, `${path}.old`);

    const { catalogue, journal, log, fresh, from } = open(dataDir);
    journal.saveGaps([gap(2)]);
    catalogue.addEvent(event("before"));
    expect(from()).toEqual([1, 2]);
    harm(path, `${path}.old`);
    journal.saveGaps([gap(3)]);
    catalogue.addEvent(event("between"));
    for (let n = 0; n < 20; n++) catalogue.tick();
    await until(() => catalogue.away() === null, "the file to be back");
    journal.saveGaps([gap(4)]);
    catalogue.addEvent(event("after"));
    expect(from()).toEqual([1, 2, 3, 4]);
    expect(fresh.length > 0).toBe(isFresh);
    expect(catalogue.gapPages.page(everything, 10, null).items).toHaveLength(4);
    const isSaid = log.some((line) => /was (deleted|replaced|overwritten)|not available/.test(line));
    expect(isSaid).toBe(!what.includes("checkpoint"));
    const messages = catalogue.events(9).map(({ message }) => message);
    expect(messages).toEqual(["after", "between", "before"]);
    await journal.close(5000);
    catalogue.close();
    expect(inFile(dataDir)).toEqual([1, 2, 3, 4]);
    if (/replaced|overwritten (with|by another)/.test(what))
      expect(readdirSync(join(dataDir, "quarantine")).filter((name) => name.startsWith("rt-data.sqlite"))).not.toEqual(
        [],
      );
  });
}

for (const how of ["begin immediate", "pragma locking_mode = exclusive; begin exclusive; update event set id = id"]) {
  test(`while somebody holds ${how}, gaps, events, incidents and mutes are saved and read without waiting; then the file has them`, async () => {
    const dataDir = temporaryFolder();
    const first = open(dataDir);
    first.journal.saveGaps([gap(1)]);
    first.catalogue.addEvent(event("before"));
    await first.journal.close(5000);
    first.catalogue.close();
    const other = new Database(join(dataDir, "rt-data.sqlite"));
    other.run("pragma busy_timeout = 0");
    for (const statement of how.split(";")) other.run(statement);
    const began = performance.now();
    const { catalogue, journal, from, log } = open(dataDir);
    journal.saveGaps([gap(2)]);
    catalogue.addEvent(event("between"));
    catalogue.outgoing.saveValue("name", "value");
    catalogue.memory.keepSeries([{ from_us: startUs, values: [1, null] }]);
    for (let n = 0; n < 50; n++) catalogue.tick();
    expect(from()).toEqual([1, 2]);
    expect(catalogue.gapPages.page(everything, 10, null).items).toHaveLength(2);
    expect([...catalogue.gapPages.pieces(startUs, startUs + 1e9)].flat()).toHaveLength(2);
    expect(catalogue.events(1)[0]?.message).toBe("between");
    expect(catalogue.outgoing.readValue("name")).toBe("value");
    expect(performance.now() - began).toBeLessThan(1000);
    expect(catalogue.away()).not.toBeNull();
    expect(log.filter((line) => line.includes("not available"))).toHaveLength(1);
    if (how.startsWith("begin")) expect(catalogue.archiveDays.get(day)).toBeNull();
    else expect(() => catalogue.archiveDays.get(day)).toThrow("The catalogue is not available");
    other.run("rollback");
    other.close();
    for (let n = 0; n < 12; n++) catalogue.tick();
    expect(catalogue.away()).toBeNull();
    expect(catalogue.events(9).map(({ message }) => message)).toEqual(["between", "before"]);
    await journal.close(5000);
    catalogue.close();
    expect(inFile(dataDir)).toEqual([1, 2]);
  });
}

test("gaps are saved even if the file cannot be opened at all, and it recovers later", async () => {
  const dataDir = temporaryFolder();
  const path = join(dataDir, "rt-data.sqlite");
  mkdirSync(path);
  const { catalogue, journal, from } = open(dataDir);
  journal.saveGaps([gap(1)]);
  expect(from()).toEqual([1]);
  rmSync(path, { recursive: true });
  for (let n = 0; n < 12; n++) catalogue.tick();
  expect(catalogue.away()).toBeNull();
  await journal.close(5000);
  catalogue.close();
  expect(existsSync(path)).toBe(true);
  expect(inFile(dataDir)).toEqual([1]);
});

test("many gaps are written to a restored file in pieces, including the gaps that arrive meanwhile", async () => {
  const dataDir = temporaryFolder();
  const { catalogue, journal } = open(dataDir);
  const other = new Database(join(dataDir, "rt-data.sqlite"));
  other.run("begin immediate");
  catalogue.addEvent(event("it is locked"));
  journal.saveGaps(Array.from({ length: 5000 }, (_, n) => gap(n * 2)));
  other.run("rollback");
  other.close();
  for (let n = 0; n < 5 && catalogue.away() !== null; n++) catalogue.tick();
  journal.saveGaps([gap(20_000)]);
  await until(() => catalogue.away() === null, "the file to catch up");
  journal.saveGaps([gap(20_002)]);
  await journal.close(5000);
  catalogue.close();
  expect(inFile(dataDir)).toHaveLength(5002);
});
