import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { archivePath } from "../../server/domain/day.ts";
import type { DemoState } from "../../server/domain/demo.ts";
import type { ArchiveSummary, KnownGap, Page, VerifyState } from "../../server/domain/queries.ts";
import type { Status } from "../../server/domain/status.ts";
import type { Manifest } from "../../server/storage/manifest.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { query } from "../support/data/duckdb.ts";
import { readLines } from "../support/data/read-data.ts";
import { recordedFolder } from "../support/data/recorded-data.ts";
import { builtExecutable } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import { start } from "../support/program.ts";
import { run } from "../support/run.ts";
import { until } from "../support/wait.ts";

const built = await builtExecutable();

test("the executable alone, in an empty folder with an empty PATH, runs the demo, serves the page, seals and merges", async () => {
  const folder = temporaryFolder();
  copyFileSync(built, join(folder, "rt-data"));
  const program = start([join(folder, "rt-data"), "demo", "--port", "0", "--past", "1", "--cut-after", "0"], {
    cwd: folder,
    // A pause of a busy machine is no silence.
    env: { PATH: "", RT_DATA_RECORD_SEGMENT_MINUTES: "1", RT_DATA_ARCHIVE_LEVEL: "3", RT_DATA_FEED_STALE_MS: "50000" },
  });
  const url = await program.url();
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;

  const page = await fetch(`${url}/`);
  expect(page.status).toBe(200);
  const html = await page.text();
  const assets = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg))"/g)].map(([, path]) => path ?? "");
  expect(assets.length).toBeGreaterThanOrEqual(2);
  const base = new URL(/<base href="([^"]+)"/.exec(html)?.[1] ?? ".", page.url);
  for (const path of assets) expect([path, (await fetch(new URL(path, base))).status]).toEqual([path, 200]);

  await until(async () => (await status()).ready, "data to flow");
  await until(
    async () => ((await (await fetch(`${url}/api/demo`)).json()) as DemoState).past === 1,
    "the invented days to be written by a worker",
    60_000,
  );
  await until(async () => (await status()).archive.segments_sealed >= 6, "today's past to be sealed", 60_000);
  expect((await status()).archive).toMatchObject({ failures: 0, last_failure: null });

  const data = join(folder, "demo-data");
  const manifests = [...new Glob("archive/**/*.manifest.json").scanSync(data)];
  expect(manifests).toHaveLength(6);
  for (const path of manifests) {
    const manifest = (await Bun.file(join(data, path)).json()) as Manifest;
    expect(readLines(data, path.replace(".manifest.json", ".jsonl.zst"))).toHaveLength(manifest.rows);
    expect(manifest.gaps).toEqual([]);
  }

  // Between the invented past and now there is no gap.
  const gaps = (await (await fetch(`${url}/api/gaps`)).json()) as Page<KnownGap>;
  expect(gaps.items).toEqual([]);
  expect(program.errors()).not.toContain("restarted this stream");

  const listed = (await (await fetch(`${url}/api/archives`)).json()) as Page<ArchiveSummary>;
  expect(listed.items).toHaveLength(6);
  const [day] = listed.items;
  const path = `${day?.stream}/${day?.symbol}/${day?.date}`;
  expect((await fetch(`${url}/api/verify/${path}`, { method: "POST" })).status).toBe(202);
  const verification = async () => (await (await fetch(`${url}/api/verify`)).json()) as VerifyState;
  await until(
    async () => (await verification()).kind === "done",
    "an archive to be checked by a worker in the executable",
  );
  expect(await verification()).toMatchObject({ problems: [] });
  const file = await fetch(`${url}/api/archives/${path}/file`);
  const sha256 = new Bun.CryptoHasher("sha256").update(await file.arrayBuffer()).digest("hex");
  expect([sha256, file.headers.get("etag")]).toEqual([day?.sha256 ?? "", `"${day?.sha256}"`]);
  expect((await fetch(`${url}/openapi`)).status).toBe(200);

  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect([...new Glob("live/**/*.jsonl").scanSync(data)]).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(["demo-data", "rt-data"]);
}, 120_000);

test("the executable alone lists, prints, exports to Parquet and verifies the records, and finds a flipped byte", async () => {
  const dataDir = await recordedFolder();
  const folder = temporaryFolder();
  const rtData = (...words: string[]) =>
    run([...words, "--data-dir", dataDir], { cwd: folder, env: { PATH: "" }, program: [built] });
  expect((await rtData("ls", "--days")).output).toMatch(/depth20 +BTCUSDT +2026-11-21 +00:00 +00:09 +600 /);
  expect((await rtData("cat", "--stream", "depth20")).output.split("\n")).toHaveLength(1601);
  for (const [file, compression] of [
    ["a.parquet", "zstd"],
    ["b.parquet", "snappy"],
  ] as const) {
    const words = ["--stream", "depth20", "--numbers", "decimal", "--compression", compression];
    expect(await rtData("export", ...words, "--out", file)).toMatchObject({ code: 0, errors: "" });
    const sql = `select count(*)::int, max(bid_px_1)::varchar from '${join(folder, file)}'`;
    expect(await query(sql)).toEqual([[1600, "86000.99000000"]]);
  }
  expect(await rtData("verify", "--allow-gaps", "--quiet")).toEqual({ code: 0, output: "", errors: "" });
  expect(await rtData("verify", "--quiet")).toMatchObject({ code: 1 });
  expect(await rtData("verify", "--quik")).toMatchObject({ code: 2 });
  const path = archivePath(dataDir, { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" });
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const damaged = await rtData("verify", "--allow-gaps", "--quiet");
  expect(damaged.code).toBe(1);
  expect(damaged.output).toContain("DAMAGED   depth20  BTCUSDT  2026-11-21");
}, 60_000);

test("the executable does not look at bunfig.toml or .env where it is started", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "cwd"));
  await Bun.write(join(folder, "cwd", "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  await Bun.write(join(folder, "cwd", "evil.ts"), 'console.log("evil ran")\n');
  await Bun.write(join(folder, "cwd", ".env"), "RT_DATA_HTTP_PROT=1\n");
  const program = start([built, "--version"], { cwd: join(folder, "cwd") });
  expect(await program.ended).toBe(0);
  expect(program.output()).toMatch(/^rt-data /);
  const wrong = start([built, "record", "--port", "x"], { cwd: join(folder, "cwd") });
  expect(await wrong.ended).toBe(2);
  expect(wrong.errors()).not.toContain("PROT");
}, 60_000);

const runtime = await findBrowser();
const noBrowser = runtime.ok ? "" : ` (skipped: ${runtime.reason})`;

test.skipIf(!runtime.ok)(
  `in a real browser the demo's numbers change and are those of /api/status; killed and started again, the page recovers${noBrowser}`,
  async () => {
    if (!runtime.ok) return;
    const folder = temporaryFolder();
    const free = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const words = [built, "demo", "--port", String(free.port), "--data-dir", join(folder, "data")];
    await free.stop(true);
    const env = { RT_DATA_ARCHIVE_LEVEL: "3" };
    const first = start(words, { cwd: folder, env });
    const url = await first.url();
    const browser = await runtime.launch();
    const page = await browser.newPage();
    await page.goto(`${url}/`);

    const records = async () => (await page.textContent('[data-figure="records"] b'))?.trim() ?? "";
    const sentence = async () => (await page.textContent(".headline h1"))?.trim() ?? "";
    const agreed = new Set<string>();
    const compare = async () => {
      const { totals } = (await (await fetch(`${url}/api/status`)).json()) as Status;
      const shown = await records();
      if (shown === totals.records.toLocaleString("en")) agreed.add(shown);
      return agreed.size >= 4;
    };
    await until(compare, "four different numbers of records, each the same on the page and in the API", 30_000);
    expect(await sentence()).toStartWith("Recording 3 symbols.");

    first.kill("SIGKILL");
    await until(
      async () => (await sentence()).startsWith("No contact with the recorder for"),
      "the page to say that the recorder is gone",
      10_000,
    );
    const old = await records();
    const second = start(words, { cwd: folder, env });
    await second.url();
    await until(async () => (await sentence()).startsWith("Recording 3 symbols."), "the page to recover", 30_000);
    await until(async () => (await records()) !== old, "new numbers");
    await browser.close();
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  },
  60_000,
);
