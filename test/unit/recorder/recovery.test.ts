import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
  dateStartUs,
  liveFolder,
  quarantineFolder,
  type Segment,
  segmentPath,
  temporarySuffix,
} from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import type { LostInSegment } from "../../../server/recorder/recover/lost-span.ts";
import { recover } from "../../../server/recorder/recover/recovery.ts";
import { randomRuns } from "../../support/time/random-runs.ts";

const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
const segment: Segment = { ...day, name: "15-04" };

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "rt-data-recovery-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const line = (n: number) =>
  encodeLine(
    `{"lastUpdateId":${n},"bids":[["1.0","2.0"]],"asks":[]}`,
    dateStartUs(day.date) + n,
    n % 3 === 0 ? null : 5,
  );
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => line(from + n)).join("");
const raw = () => segmentPath(dataDir, segment, "open");
const sealed = () => segmentPath(dataDir, segment, "sealed");

function write(path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

test("a new or a cleanly stopped data folder needs no repair", async () => {
  expect(await recover(dataDir)).toEqual({ orphans: [], days: [], repairs: [] });
  write(sealed(), Bun.zstdCompressSync(lines(0, 9)));
  expect(await recover(dataDir)).toEqual({ orphans: [], days: [day], repairs: [] });
});

test("a torn tail is cut and kept, and the lines before it stay as they are", async () => {
  write(raw(), lines(0, 9) + line(9).slice(0, 40));
  const { orphans, repairs } = await recover(dataDir);
  const keptAt = join(quarantineFolder(dataDir, day), "15-04.jsonl.tail");
  expect(repairs).toMatchObject([{ kind: "tail_cut", path: raw(), bytes: 40, keptAt }]);
  expect(orphans).toEqual([segment]);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 9));
  expect(readFileSync(keptAt, "utf8")).toBe(line(9).slice(0, 40));
});

test("a line that begins within a cut line is a line of its own, and the loss between both is reported before the file changes", async () => {
  const text = lines(0, 9) + line(9).slice(0, 40) + lines(20, 22) + line(22).slice(0, 5) + lines(30, 33);
  write(raw(), text);
  const us = (n: number) => dateStartUs(day.date) + n;
  const places = [
    { segment, afterUs: us(8), untilUs: us(20) },
    { segment, afterUs: us(21), untilUs: us(30) },
  ];
  const lost: LostInSegment[] = [];
  const kill = () => Promise.reject(new Error("killed"));
  expect((await recover(dataDir, undefined, { onLost: kill })).repairs).toMatchObject([{ kind: "failed" }]);
  expect(readFileSync(raw(), "utf8")).toBe(text);
  const { orphans, repairs } = await recover(dataDir, undefined, { onLost: (loss) => lost.push(loss) });
  expect(lost).toEqual(places);
  expect(repairs).toMatchObject([{ kind: "lines_cut", path: raw(), bytes: 45 }]);
  expect(orphans).toEqual([segment]);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 9) + lines(20, 22) + lines(30, 33));
  const kept = join(quarantineFolder(dataDir, day), "15-04.jsonl.strange");
  expect(readFileSync(kept, "utf8")).toBe(line(9).slice(0, 40) + line(22).slice(0, 5));
  expect((await recover(dataDir)).repairs).toEqual([]);
});

test("foreign lines and NULs within a segment go to quarantine; only NULs are a loss", async () => {
  write(raw(), `${lines(0, 5)}hello\n${lines(5, 9)}${"\0".repeat(300_000)}${lines(20, 22)}`);
  const lost: LostInSegment[] = [];
  await recover(dataDir, undefined, { onLost: (loss) => lost.push(loss) });
  const us = (n: number) => dateStartUs(day.date) + n;
  expect(lost).toEqual([{ segment, afterUs: us(8), untilUs: us(20) }]);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 9) + lines(20, 22));
});

test("wherever a crash cuts the file, exactly the whole records stay and a second start has no repairs to do", async () => {
  const text = lines(0, 30);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: text.length }),
      fc.integer({ min: 0, max: 5000 }),
      async (length, nuls) => {
        write(raw(), text.slice(0, length) + "\0".repeat(nuls));
        await recover(dataDir);
        const whole = text.slice(0, length).split("\n").length - 1;
        const isWholeButNewline = nuls === 0 && text[length] === "\n";
        const expected = lines(0, isWholeButNewline ? whole + 1 : whole);
        expect(existsSync(raw()) ? readFileSync(raw(), "utf8") : "").toBe(expected);
        expect((await recover(dataDir)).repairs).toEqual([]);
        rmSync(raw(), { force: true });
      },
    ),
    { numRuns: randomRuns(25) },
  );
});

test("a last record that lacks only its newline is kept", async () => {
  write(raw(), lines(0, 9) + line(9).trimEnd());
  const { repairs } = await recover(dataDir);
  expect(repairs).toMatchObject([{ kind: "newline_added", path: raw() }]);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 10));
});

test("NULs that a power loss left at the end are cut, however many", async () => {
  write(raw(), lines(0, 9) + "\0".repeat(3_000_000));
  const lost: LostInSegment[] = [];
  const { repairs } = await recover(dataDir, undefined, { onLost: (found) => lost.push(found) });
  expect(lost).toEqual([{ segment, afterUs: dateStartUs(day.date) + 8 }]);
  expect(repairs).toMatchObject([{ kind: "tail_cut", bytes: 3_000_000 }]);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 9));
  expect(readFileSync(repairs[0]?.keptAt ?? "", "utf8")).toBe("");
});

test("last lines that are not ours are cut", async () => {
  const strange = '{"recv_us":12,"net_delay_ms":3,"half":\n\0\0\0\nanything\n';
  write(raw(), lines(0, 9) + strange);
  const { repairs } = await recover(dataDir);
  expect(readFileSync(raw(), "utf8")).toBe(lines(0, 9));
  expect(readFileSync(repairs[0]?.keptAt ?? "", "utf8")).toBe(strange);
});

test("a file without any line of ours is moved to quarantine; an empty file is removed", async () => {
  write(raw(), "nothing of ours\n\0\0\0");
  write(segmentPath(dataDir, { ...segment, name: "15-05" }, "open"), "");
  const lost: LostInSegment[] = [];
  const { orphans, repairs } = await recover(dataDir, undefined, { onLost: (found) => lost.push(found) });
  expect(lost).toEqual([{ segment, afterUs: null }]);
  expect(orphans).toEqual([]);
  expect(repairs).toMatchObject([{ kind: "set_aside" }, { kind: "empty_removed" }]);
  expect(readFileSync(join(quarantineFolder(dataDir, day), "15-04.jsonl"), "utf8")).toBe("nothing of ours\n\0\0\0");
  expect(existsSync(raw())).toBe(false);
});

test("files in quarantine are never overwritten", async () => {
  for (const rest of ["{first", "{second"]) {
    write(raw(), lines(0, 3) + rest);
    await recover(dataDir);
  }
  const folder = quarantineFolder(dataDir, day);
  expect(readFileSync(join(folder, "15-04.jsonl.tail"), "utf8")).toBe("{first");
  expect(readFileSync(join(folder, "15-04.jsonl.tail.2"), "utf8")).toBe("{second");
});

test("unfinished files are removed, in the live folder and in the archive folder of the same day", async () => {
  write(sealed() + temporarySuffix, "half");
  const archive = join(
    dataDir,
    "archive",
    "stream=depth20",
    "symbol=BTCUSDT",
    "date=2026-11-21",
    `x.jsonl.zst${temporarySuffix}`,
  );
  write(archive, "half");
  const { repairs } = await recover(dataDir);
  expect(repairs.map((repair) => [repair.kind, repair.path])).toEqual([
    ["temporary_removed", sealed() + temporarySuffix],
    ["temporary_removed", archive],
  ]);
  expect([existsSync(sealed() + temporarySuffix), existsSync(archive)]).toEqual([false, false]);
});

test("the complete segment stays if a raw and a sealed segment have the same name", async () => {
  const text = lines(0, 5000);
  write(raw(), text);
  write(sealed(), Bun.zstdCompressSync(text));
  expect((await recover(dataDir)).orphans).toEqual([]);
  expect([existsSync(raw()), existsSync(sealed())]).toEqual([false, true]);

  write(raw(), text);
  write(sealed(), Bun.zstdCompressSync(lines(0, 4000)));
  expect((await recover(dataDir)).orphans).toEqual([segment]);
  expect([existsSync(raw()), existsSync(sealed())]).toEqual([true, false]);

  const whole = Bun.zstdCompressSync(text);
  write(sealed(), whole.subarray(0, whole.length - 1));
  expect((await recover(dataDir)).orphans).toEqual([segment]);
  expect([existsSync(raw()), existsSync(sealed())]).toEqual([true, false]);
  expect(readFileSync(join(quarantineFolder(dataDir, day), "15-04.jsonl.zst"))).toHaveLength(whole.length - 1);

  write(sealed(), "no zstd at all");
  expect((await recover(dataDir)).orphans).toEqual([segment]);
  expect([existsSync(raw()), existsSync(sealed())]).toEqual([true, false]);
});

test("a raw segment that a power loss brought back with NULs at its end goes, because its sealed copy holds all of it", async () => {
  const text = lines(0, 300);
  write(raw(), lines(0, 200) + "\0".repeat(5000));
  write(sealed(), Bun.zstdCompressSync(text));
  const lost: unknown[] = [];
  expect((await recover(dataDir, undefined, { onLost: (loss) => lost.push(loss) })).orphans).toEqual([]);
  expect([existsSync(raw()), existsSync(sealed()), lost]).toEqual([false, true, []]);

  write(raw(), "\0".repeat(5000));
  expect((await recover(dataDir, undefined, { onLost: (loss) => lost.push(loss) })).orphans).toEqual([]);
  expect([existsSync(raw()), existsSync(sealed()), lost]).toEqual([false, true, []]);
});

test("a raw and a sealed segment of one name that hold different records both stay, under different names", async () => {
  write(raw(), lines(0, 50));
  write(sealed(), Bun.zstdCompressSync(lines(50, 90)));
  const { orphans } = await recover(dataDir);
  expect(orphans).toEqual([{ ...segment, name: "15-04_02" }]);
  expect(readFileSync(segmentPath(dataDir, { ...segment, name: "15-04_02" }, "open"), "utf8")).toBe(lines(0, 50));
  expect(Bun.zstdDecompressSync(readFileSync(sealed())).toString()).toBe(lines(50, 90));
});

test("every orphan is listed, with its days oldest first; strange files and folders are let be", async () => {
  const older = { ...segment, symbol: "币安人生USDT", date: "2026-11-19" };
  write(segmentPath(dataDir, older, "open"), lines(0, 3));
  write(raw(), lines(0, 3));
  write(join(liveFolder(dataDir, day), "notes.txt"), "mine");
  write(join(dataDir, "live", "README"), "mine");
  const { orphans, days, repairs } = await recover(dataDir);
  expect(orphans).toEqual([older, segment]);
  expect(days).toEqual([{ stream: "depth20", symbol: "币安人生USDT", date: "2026-11-19" }, day]);
  expect(repairs).toEqual([]);
  expect(readFileSync(join(liveFolder(dataDir, day), "notes.txt"), "utf8")).toBe("mine");
});
