import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refuseRecorded } from "../../../server/cli/export/export-place.ts";
import { temporaryFolder } from "../../support/folder.ts";

const day = "stream=trade/symbol=BTCUSDT/date=2026-11-21";

/** A data folder whose `archive/` lies on another disk, with links to it from outside. */
function places() {
  const folder = temporaryFolder();
  const [dataDir, disk, home] = ["data", "disk", "home"].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [join(dataDir, "live", day), join(dataDir, "exports"), join(disk, day), home])
    mkdirSync(path, { recursive: true });
  symlinkSync(disk, join(dataDir, "archive"));
  symlinkSync(join(dataDir, "archive", day, "BTCUSDT-trade-2026-11-21.jsonl.zst"), join(home, "link.csv"));
  symlinkSync(dataDir, join(home, "data"));
  writeFileSync(join(dataDir, "rt-data.sqlite"), "");
  return { folder, dataDir, disk, home };
}

test("no export takes the place of a file of the recorder, or lies among recorded files, by whatever path", () => {
  const { dataDir, disk, home } = places();
  for (const path of [
    join(dataDir, "archive", day, "BTCUSDT-trade-2026-11-21.jsonl.zst"),
    join(dataDir, "archive", day, "mine.csv"),
    join(dataDir, "live", day, "new folder", "mine.parquet"),
    join(disk, day, "mine.csv"),
    join(dataDir, "rt-data.sqlite"),
    join(dataDir, "journal/recorder.journal"),
    join(dataDir, "recorder-id"),
    join(home, "link.csv"),
    join(home, "data/sessions.json"),
  ])
    expect([path, refusalOf(path, dataDir)]).toEqual([path, expect.stringContaining("give a path outside")]);
});

test("exports may lie in the data folder otherwise, beside it, and in a pipe", () => {
  const { folder, dataDir, home } = places();
  for (const path of [
    ...["trades.csv", "exports/a.parquet", "exports/new/a.csv.gz", "a.csv.zst"].map((name) => join(dataDir, name)),
    ...[join(home, "trades"), join(folder, "data-2/archive/a.csv"), join(folder, "data.csv"), "-", "/dev/null"],
  ])
    expect([path, refusalOf(path, dataDir)]).toEqual([path, null]);
});

function refusalOf(path: string, dataDir: string): string | null {
  try {
    refuseRecorded(path, dataDir);
    return null;
  } catch (error) {
    return String(error);
  }
}
