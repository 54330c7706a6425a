import { beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeDataFolder } from "../../../server/storage/lock/data-folder.ts";
import { recordedFolder } from "../../support/data/recorded-data.ts";
import { run } from "../../support/run.ts";

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

const here = (...words: string[]) => run([...words, "--data-dir", dataDir]);

test("dataset --rebuild makes every table, the status lists them, and check says whether new days fit", async () => {
  const before = await here("dataset");
  expect(before).toMatchObject({ code: 1 });
  expect(before.output).toContain(
    "no tables yet\n6 archived days are missing from the tables:\n  2026-11-20/aggTrade/BTCUSDT\n",
  );

  const rebuilt = await here("dataset", "--rebuild", "--json");
  expect(rebuilt).toMatchObject({ code: 0, errors: "" });
  const { tables, missing } = JSON.parse(rebuilt.output) as { tables: Record<string, unknown>[]; missing: unknown[] };
  expect(missing).toEqual([]);
  expect(tables.map(({ table, files, rows, from, to }) => [table, files, rows, from, to])).toEqual([
    ["stream=aggTrade", 4, 2400, "2026-11-20", "2026-11-21"],
    ["stream=depth20", 2, 1200, "2026-11-20", "2026-11-21"],
    ["coverage", 2, 6, "2026-11-20", "2026-11-21"],
    ["gaps", 1, 3, "2026-11-21", "2026-11-21"],
  ]);

  const settings = { RT_DATA_DATASET_ENABLED: "true", RT_DATA_DATASET_NUMBERS: "decimal" };
  const check = await run(["check", "--only", "dataset", "--data-dir", dataDir], { env: settings });
  expect(check).toMatchObject({ code: 1 });
  expect(check.output).toContain("has float64 numbers, and dataset.numbers is decimal");
  expect(check.output).toContain("rt-data dataset --rebuild");
});

test("a lost file is named as a missing day; wrong flags and a running recorder are refused with the reason", async () => {
  rmSync(join(dataDir, "dataset/stream=depth20/symbol=BTCUSDT/date=2026-11-21"), { recursive: true, force: true });
  expect((await here("dataset", "--status")).output).toContain("missing from the tables:\n  2026-11-2");
  expect(await here("dataset", "--status", "--rebuild")).toMatchObject({ code: 2 });
  const lock = takeDataFolder(dataDir, "record");
  try {
    const refused = await here("dataset", "--rebuild");
    expect(refused).toMatchObject({ code: 2, output: "" });
    expect(refused.errors).toContain(dataDir);
  } finally {
    lock.release();
  }
});

test("the invented days of a demo become tables as well", async () => {
  writeFileSync(join(dataDir, "this-is-demo-data"), "");
  expect(await here("dataset", "--rebuild")).toMatchObject({ code: 0, errors: "" });
});
