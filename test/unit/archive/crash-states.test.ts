import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import {
  archivePath,
  liveFolder,
  manifestPath,
  previousSuffix,
  segmentPath,
  temporarySuffix,
} from "../../../server/domain/day.ts";
import { recover } from "../../../server/recorder/recover/recovery.ts";
import {
  archivedIds,
  archiveHere,
  day,
  filesBelow,
  lines,
  sealAndMerge,
  sealHere,
  seconds,
  segmentOf,
  temporaryData,
  writeDay,
  writeRaw,
} from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
afterEach(() => remove());

/** Does what a start does: recovery, then sealing and merging. Afterwards every row must exist exactly once. */
async function startAgain(expected: readonly number[]): Promise<void> {
  const report = await recover(dataDir);
  const { failures } = await sealAndMerge(dataDir, report.orphans);
  expect(failures).toEqual([]);
  expect(archivedIds(dataDir)).toEqual([...expected]);
  expect((await verifyArchive(dataDir, day)).kind).toBe("ok");
  expect(filesBelow(dataDir)).toHaveLength(2);
  expect(existsSync(liveFolder(dataDir, day))).toBe(false);
}

function mkdirAndWrite(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

describe("a crash while a segment is sealed leaves every row exactly once", () => {
  const all = seconds(0, 900);
  const raw = () => segmentPath(dataDir, segmentOf("00-00"), "open");
  const sealed = () => segmentPath(dataDir, segmentOf("00-00"), "sealed");

  test("before anything was written", async () => {
    writeDay(dataDir, { segments: 1 });
    await startAgain(all);
  });

  test("with half of the temporary file written", async () => {
    writeDay(dataDir, { segments: 1 });
    writeFileSync(sealed() + temporarySuffix, Bun.zstdCompressSync(lines(0, 900)).subarray(0, 500));
    await startAgain(all);
  });

  test("with the temporary file whole but not renamed", async () => {
    writeDay(dataDir, { segments: 1 });
    writeFileSync(sealed() + temporarySuffix, Bun.zstdCompressSync(lines(0, 900)));
    await startAgain(all);
  });

  test("with the sealed file in place and the raw file still there", async () => {
    const segments = writeDay(dataDir, { segments: 1 });
    await sealHere(dataDir, segments);
    writeRaw(dataDir, segmentOf("00-00"), lines(0, 900));
    await startAgain(all);
  });

  test("after the raw file went", async () => {
    await sealHere(dataDir, writeDay(dataDir, { segments: 1 }));
    expect(existsSync(raw())).toBe(false);
    await startAgain(all);
  });
});

describe("a crash while a day is merged leaves every row exactly once", () => {
  const all = seconds(0, 2700);
  let archive: Buffer;
  let manifest: Buffer;
  const sealed = temporaryData();

  /** A day that is sealed, and what its merge writes. */
  beforeAll(async () => {
    const segments = writeDay(sealed.dataDir);
    await sealHere(sealed.dataDir, segments);
    const done = temporaryData();
    cpSync(sealed.dataDir, done.dataDir, { recursive: true });
    await archiveHere(done.dataDir, segments);
    archive = readFileSync(archivePath(done.dataDir, day));
    manifest = readFileSync(manifestPath(done.dataDir, day));
    done.remove();
  });
  afterAll(() => sealed.remove());
  beforeEach(() => cpSync(sealed.dataDir, dataDir, { recursive: true }));

  const put = (path: string, bytes: Uint8Array) => mkdirAndWrite(path, bytes);

  test("with half of the temporary archive written", async () => {
    put(archivePath(dataDir, day) + temporarySuffix, archive.subarray(0, archive.length >> 1));
    await startAgain(all);
  });

  test("with both temporary files whole", async () => {
    put(archivePath(dataDir, day) + temporarySuffix, archive);
    put(manifestPath(dataDir, day) + temporarySuffix, manifest);
    await startAgain(all);
  });

  test("with the archive in place and its manifest not", async () => {
    put(archivePath(dataDir, day), archive);
    put(manifestPath(dataDir, day) + temporarySuffix, manifest);
    await startAgain(all);
  });

  test("after the commit, with every segment still there", async () => {
    put(archivePath(dataDir, day), archive);
    put(manifestPath(dataDir, day), manifest);
    await startAgain(all);
    expect(readFileSync(archivePath(dataDir, day)).equals(archive)).toBe(true);
  });

  test("after the commit, with some segments removed", async () => {
    put(archivePath(dataDir, day), archive);
    put(manifestPath(dataDir, day), manifest);
    rmSync(segmentPath(dataDir, segmentOf("00-00"), "sealed"));
    await startAgain(all);
  });

  test("with only the empty folder left", async () => {
    put(archivePath(dataDir, day), archive);
    put(manifestPath(dataDir, day), manifest);
    for (const name of ["00-00", "00-15", "00-30"]) rmSync(segmentPath(dataDir, segmentOf(name), "sealed"));
    await startAgain(all);
  });

  test("an archive that lost its manifest is moved to quarantine, not overwritten, if it has other rows", async () => {
    const other = Bun.zstdCompressSync(lines(50_000, 50_010));
    put(archivePath(dataDir, day), other);
    const { failures } = await sealAndMerge(dataDir, []);
    expect(archivedIds(dataDir)).toEqual(all);
    expect(failures).toHaveLength(1);
    expect(readFileSync(failures[0]?.path ?? "").equals(other)).toBe(true);
  });
});

describe("a crash while more is merged into an archive leaves every row exactly once", () => {
  const all = [...seconds(0, 2700), ...seconds(3600, 4500)];
  const files = {
    oldArchive: Buffer.of(),
    oldManifest: Buffer.of(),
    newArchive: Buffer.of(),
    newManifest: Buffer.of(),
  };

  const begun = temporaryData();

  /** An archived day with one more sealed segment, and what its merge writes. */
  beforeAll(async () => {
    await archiveHere(begun.dataDir, writeDay(begun.dataDir));
    const more = writeDay(begun.dataDir, { from: 3600, segments: 1 });
    await sealHere(begun.dataDir, more);
    files.oldArchive = readFileSync(archivePath(begun.dataDir, day));
    files.oldManifest = readFileSync(manifestPath(begun.dataDir, day));
    const done = temporaryData();
    cpSync(begun.dataDir, done.dataDir, { recursive: true });
    await archiveHere(done.dataDir, more);
    files.newArchive = readFileSync(archivePath(done.dataDir, day));
    files.newManifest = readFileSync(manifestPath(done.dataDir, day));
    done.remove();
    expect(files.newArchive.equals(files.oldArchive)).toBe(false);
  });
  afterAll(() => begun.remove());
  beforeEach(() => cpSync(begun.dataDir, dataDir, { recursive: true }));

  /** Puts the folder into a state: null means that the file is not there. */
  function state(
    archive: Buffer | null,
    previous: Buffer | null,
    manifest: Buffer,
    temporaries: "archive" | "both" | "manifest" | "none",
  ) {
    const path = archivePath(dataDir, day);
    rmSync(path);
    if (archive !== null) writeFileSync(path, archive);
    if (previous !== null) writeFileSync(path + previousSuffix, previous);
    writeFileSync(manifestPath(dataDir, day), manifest);
    if (temporaries === "archive" || temporaries === "both") writeFileSync(path + temporarySuffix, files.newArchive);
    if (temporaries === "manifest" || temporaries === "both") {
      writeFileSync(manifestPath(dataDir, day) + temporarySuffix, files.newManifest);
    }
  }

  test("with the new archive under its temporary name", async () => {
    state(files.oldArchive, null, files.oldManifest, "archive");
    await startAgain(all);
  });

  test("with both new files under their temporary names", async () => {
    state(files.oldArchive, null, files.oldManifest, "both");
    await startAgain(all);
  });

  test("with the old archive moved away and the new archive not in its place", async () => {
    state(null, files.oldArchive, files.oldManifest, "both");
    await startAgain(all);
  });

  test("with the new archive in place and the old manifest", async () => {
    state(files.newArchive, files.oldArchive, files.oldManifest, "manifest");
    await startAgain(all);
  });

  test("after the commit, with the old archive still there", async () => {
    state(files.newArchive, files.oldArchive, files.newManifest, "none");
    await startAgain(all);
  });

  test("after the commit, with the segment still there", async () => {
    state(files.newArchive, null, files.newManifest, "none");
    await startAgain(all);
    expect(readFileSync(archivePath(dataDir, day))).toEqual(files.newArchive);
  });

  test("two archives that both do not match the manifest stay untouched, and the day is reported", async () => {
    state(Buffer.from("one"), Buffer.from("other"), files.oldManifest, "none");
    const { failures } = await sealAndMerge(dataDir, []);
    expect(failures).toMatchObject([{ operation: "settle" }]);
    expect(readFileSync(archivePath(dataDir, day), "utf8")).toBe("one");
    expect(readFileSync(archivePath(dataDir, day) + previousSuffix, "utf8")).toBe("other");
    expect(existsSync(segmentPath(dataDir, segmentOf("01-00"), "sealed"))).toBe(true);
  });
});

test("killed at any moment, again and again, the archive ends up with every row exactly once", async () => {
  writeDay(dataDir, { segments: 40 });
  const script = new URL("./seal-and-merge.ts", import.meta.url).pathname;
  let kills = 0;
  for (let delayMs = 90; delayMs < 700; delayMs += 60) {
    const child = Bun.spawn([process.execPath, script, dataDir], { stdout: "ignore", stderr: "inherit" });
    const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
    await child.exited;
    clearTimeout(timer);
    if (child.signalCode !== "SIGKILL") break;
    kills++;
  }
  expect(kills).toBeGreaterThan(0);
  await startAgain(seconds(0, 36_000));
}, 60_000);
