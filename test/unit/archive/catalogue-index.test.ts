import { afterEach, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createCatalogueIndex, type IndexedArchives } from "../../../server/archive/catalogue-index.ts";
import { createVerifier } from "../../../server/archive/verify/verifier.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { archivePath, manifestPath } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { startVerifyWorker } from "../../../server/workers.ts";
import { day, sealAndMerge, writeDay } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function archived() {
  const dataDir = temporaryFolder();
  await sealAndMerge(dataDir, writeDay(dataDir));
  const catalogue = openCatalogue(dataDir);
  closing.push(catalogue.close);
  const { archiveDays } = catalogue;
  const list = {
    ...archiveDays,
    change(found: Parameters<IndexedArchives["change"]>[0], gone: Parameters<IndexedArchives["change"]>[1]) {
      for (const { entry, manifestMs } of found) archiveDays.save(entry, manifestMs);
      for (const one of gone) archiveDays.remove(one);
      return true;
    },
  };
  const shelf = createCatalogueIndex({ dataDir }, { list, log: silentLog });
  const look = () => shelf.reconcile({ signal: new AbortController().signal, onProgress: () => {} });
  return { dataDir, catalogue, look };
}

test("the list of archives matches the manifests, and follows them when they change or vanish", async () => {
  const { dataDir, catalogue, look } = await archived();
  await look();
  const manifest = readManifest(dataDir, day);
  expect(catalogue.archiveDays.get(day)).toMatchObject({
    rows: 2700,
    compressed_bytes: manifest?.compressed_bytes,
    sha256: manifest?.compressed_sha256,
    coverage: expect.closeTo(2700 / 86_400, 6),
  });
  const path = manifestPath(dataDir, day);
  writeFileSync(path, readFileSync(path, "utf8").replace('"rows": 2700', '"rows": 2699'));
  await look();
  expect(catalogue.archiveDays.get(day)?.rows).toBe(2699);
  writeFileSync(path, "no manifest");
  await look();
  expect(catalogue.archiveDays.get(day)?.rows).toBe(2699);
  rmSync(path);
  await look();
  expect(catalogue.archiveDays.get(day)).toBeNull();
});

test("one check runs at a time, reports its result, and finds a changed byte", async () => {
  const { dataDir } = await archived();
  const ended: number[] = [];
  const verifier = createVerifier(
    { dataDir },
    { startWorker: startVerifyWorker, nowUs: () => 7, onDone: ({ problems }) => ended.push(problems.length) },
  );
  closing.push(verifier.stop);
  expect(verifier.state()).toEqual({ kind: "idle" });
  expect([verifier.start(day), verifier.start(day)]).toEqual(["started", "busy"]);
  expect(verifier.state()).toMatchObject({ kind: "running", day });
  await until(() => verifier.state().kind === "done", "the check to end");
  expect(verifier.state()).toEqual({ kind: "done", day, started_us: 7, ended_us: 7, problems: [] });
  const bytes = readFileSync(archivePath(dataDir, day));
  bytes[bytes.length - 10] = (bytes.at(-10) ?? 0) ^ 1;
  writeFileSync(archivePath(dataDir, day), bytes);
  expect(verifier.start(day)).toBe("started");
  await until(() => ended.length === 2, "the second check to end");
  expect(ended[0]).toBe(0);
  expect(ended[1]).toBeGreaterThan(0);
});

test("a stopped check has no result, and a new check can be started", async () => {
  const { dataDir } = await archived();
  const verifier = createVerifier({ dataDir }, { startWorker: startVerifyWorker, nowUs: () => 7, onDone: () => {} });
  closing.push(verifier.stop);
  verifier.start(day);
  verifier.stop();
  expect(verifier.state()).toEqual({ kind: "idle" });
  verifier.start(day);
  await until(() => verifier.state().kind === "done", "the check to end");
});
