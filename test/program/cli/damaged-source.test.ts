import { beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { archivePath, manifestPath, segmentPath } from "../../../server/domain/day.ts";
import { createSourceCheck } from "../../../server/storage/read/source-check.ts";
import {
  before,
  bookLine,
  date,
  recordedFolder,
  secondLines,
  today,
  tradeLine,
} from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { connect } from "../../support/simulator/client.ts";
import { until } from "../../support/wait.ts";

const trades = { stream: "aggTrade", symbol: "BTCUSDT" };
const selection = ["--stream", trades.stream, "--symbol", trades.symbol];
/** Its files have several blocks, so that a reader that does not look before gives out lines ahead of a damaged one. */
const books = { stream: "depth20", symbol: "BTCUSDT" };
const ofBooks = ["--stream", books.stream];
/** The stored files: two archives, a sealed segment and an open segment. */
const stored = {
  first: secondLines(before, 86_400 - 600, 86_400, tradeLine),
  second: secondLines(date, 0, 600, tradeLine),
  sealed: secondLines(today, 0, 300, tradeLine),
  open: secondLines(today, 300, 400, tradeLine),
};

let whole = "";
beforeAll(async () => {
  whole = await recordedFolder();
});

function folderWith(change: (dataDir: string) => void): string {
  const dataDir = temporaryFolder();
  cpSync(whole, dataDir, { recursive: true });
  change(dataDir);
  return dataDir;
}

function flip(path: string, at: number, bit = 0x10): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ bit;
  writeFileSync(path, bytes);
}

const archive = (dataDir: string) => archivePath(dataDir, { ...trades, date });
const sealed = (dataDir: string) => segmentPath(dataDir, { ...trades, date: today, name: "00-00" }, "sealed");
const open = (dataDir: string) => segmentPath(dataDir, { ...trades, date: today, name: "00-05" }, "open");
const bookArchive = (dataDir: string) => archivePath(dataDir, { ...books, date });
const sealedBooks = (dataDir: string) => segmentPath(dataDir, { ...books, date: today, name: "00-00" }, "sealed");
const middle = (path: string) => readFileSync(path).length >> 1;

const firstBooks = secondLines(before, 86_400 - 600, 86_400, bookLine);
/** Each case with the lines that remain readable. */
const damages = [
  ["an archive", bookArchive, firstBooks + secondLines(today, 0, 400, bookLine)],
  [
    "a sealed segment",
    sealedBooks,
    firstBooks + secondLines(date, 0, 600, bookLine) + secondLines(today, 300, 400, bookLine),
  ],
] as const;

test.each(damages)(
  "one flipped byte in %s: cat gives out no line of it, and all of the others",
  async (_, pathIn, rest) => {
    const dataDir = folderWith((folder) => flip(pathIn(folder), middle(pathIn(folder))));
    const { code, output, errors } = await run(["cat", "--data-dir", dataDir, ...ofBooks]);
    expect({ code, isRest: output === rest }).toEqual({ code: 1, isRest: true });
    expect(errors).toContain(pathIn(dataDir));
  },
  20_000,
);

test.each(damages)(
  "one flipped byte in %s: export leaves the good file that is there, and no other",
  async (_, pathIn) => {
    const dataDir = folderWith((folder) => flip(pathIn(folder), middle(pathIn(folder))));
    const out = temporaryFolder();
    for (const name of ["good.csv", "good.parquet"]) {
      writeFileSync(join(out, name), "good");
      const { code, output, errors } = await run([
        "export",
        "--data-dir",
        dataDir,
        ...ofBooks,
        "--out",
        join(out, name),
      ]);
      expect([code, output, readFileSync(join(out, name), "utf8")]).toEqual([1, "", "good"]);
      expect(errors).toContain(`${pathIn(dataDir)}: `);
      expect(errors).toContain("did not write");
    }
    const streamed = await run(["export", "--data-dir", dataDir, ...ofBooks, "--format", "csv", "--out", "-"]);
    expect([streamed.code, streamed.output]).toEqual([1, ""]);
    expect(readdirSync(out)).toHaveLength(2);
  },
  20_000,
);

test.each(damages)(
  "one flipped byte in %s: replay sends no message of it, and all of the others",
  async (_, pathIn, rest) => {
    const dataDir = folderWith((folder) => flip(pathIn(folder), middle(pathIn(folder))));
    const words = ["replay", "--port", "0", "--data", dataDir, "--speed", "max"];
    const program = start([...rtData, ...words], { cwd: temporaryFolder() });
    const url = () => /WebSocket: (\S+)\/stream/.exec(program.output())?.[1];
    await until(() => url() !== undefined, "the replay to listen", 30_000);
    const client = await connect(`${url()}/ws/btcusdt@depth20@100ms`);
    expect(await program.ended).toBe(1);
    await until(() => client.closed() !== null, "the close");
    const ids = [...rest.matchAll(/"lastUpdateId":(\d+)/g)].map(([, id]) => Number(id));
    expect(client.received.map((text) => JSON.parse(text).lastUpdateId)).toEqual(ids);
    expect(program.errors()).toContain(pathIn(dataDir));
  },
  30_000,
);

test("a folder gets the days with intact sources; the existing file of the damaged day stays", async () => {
  const dataDir = folderWith((folder) => flip(archive(folder), middle(archive(folder))));
  const out = temporaryFolder();
  const fileOf = (day: string) => join(out, `stream=aggTrade/symbol=BTCUSDT/date=${day}/BTCUSDT-aggTrade-${day}.csv`);
  const words = ["export", ...selection, "--format", "csv", "--out", out, "--data-dir"];
  expect((await run([...words, whole])).code).toBe(0);
  const good = readFileSync(fileOf(date), "utf8");
  for (const day of [before, today]) rmSync(fileOf(day));
  const { code, errors } = await run([...words, dataDir]);
  expect(code).toBe(1);
  expect(errors).toContain(`did not write ${fileOf(date)}`);
  expect(readFileSync(fileOf(date), "utf8") === good).toBe(true);
  expect([before, today].map((day) => existsSync(fileOf(day)))).toEqual([true, true]);
}, 60_000);

test("invalid lines of an open segment are skipped and named, and no file is replaced", async () => {
  const lines = stored.open.split(/(?<=\n)/);
  const damaged = [...lines];
  damaged[3] = lines[3]?.replace('"p":"', '"p":') ?? "";
  damaged[7] = lines[7]?.replace('{"recv_us":1', '{"recv_us":9') ?? "";
  damaged[9] = lines[9]?.replace('"m":', '"m":-') ?? "";
  const dataDir = folderWith((folder) => writeFileSync(open(folder), damaged.join("")));
  const cat = await run(["cat", "--data-dir", dataDir, ...selection, "--from", today]);
  expect(cat.output === stored.sealed + lines.filter((_, n) => ![3, 7, 9].includes(n)).join("")).toBe(true);
  expect([cat.code, cat.errors]).toEqual([1, `rt-data: ${open(dataDir)}: 3 lines are damaged and left out\n`]);
  const out = join(temporaryFolder(), "good.csv");
  writeFileSync(out, "good");
  writeFileSync(open(dataDir), lines.join("").replace("86704.77", "8,704.77"));
  expect((await run(["export", "--data-dir", dataDir, ...selection, "--out", out])).code).toBe(1);
  writeFileSync(open(dataDir), damaged.join(""));
  // A range that ends before the file does.
  const words = ["export", "--data-dir", dataDir, ...selection, "--from", today, "--to", "2026-11-22T00:05:20"];
  expect((await run([...words, "--out", out])).code).toBe(1);
  expect(readFileSync(out, "utf8")).toBe("good");
}, 60_000);

test("whichever byte is flipped, a file has a problem or still the same lines: archive, archive without manifest, sealed segment", async () => {
  const folder = folderWith(() => {});
  rmSync(manifestPath(folder, { ...trades, date: before }));
  const bare = archivePath(folder, { ...trades, date: before });
  let seed = 16;
  for (const [path, lines] of [
    [archive(folder), stored.second],
    [bare, stored.first],
    [sealed(folder), stored.sealed],
  ] as const) {
    const bytes = readFileSync(path);
    expect(await createSourceCheck()(path)).toBeNull();
    let caught = 0;
    for (let n = 0; n < 250; n++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      // The first bytes, which say what a frame is, and any of the others.
      const at = n < 24 ? n : seed % bytes.length;
      writeFileSync(path, bytes);
      flip(path, at, 1 << (n % 8));
      const isCaught = (await createSourceCheck()(path)) !== null;
      caught += isCaught ? 1 : 0;
      if (!isCaught) expect(Bun.zstdDecompressSync(readFileSync(path)).toString() === lines).toBe(true);
    }
    expect(caught).toBeGreaterThan(240);
    writeFileSync(path, bytes);
  }
}, 60_000);

test("an intact archive with a damaged manifest is read; another intact archive under its name is not", async () => {
  const dataDir = folderWith((folder) => {
    const path = manifestPath(folder, { ...trades, date });
    writeFileSync(path, readFileSync(path, "utf8").replace(/"compressed_sha256": "./, '"compressed_sha256": "x'));
    cpSync(archivePath(folder, { ...trades, date }), archivePath(folder, { ...trades, date: before }));
  });
  const { code, output, errors } = await run(["cat", "--data-dir", dataDir, ...selection]);
  expect({ code, isRest: output === stored.second + stored.sealed + stored.open }).toEqual({ code: 1, isRest: true });
  expect(errors).toContain(archivePath(dataDir, { ...trades, date: before }));
}, 60_000);

test("an archive that lies, with its manifest, under another date is named, and its lines are printed once", async () => {
  const dataDir = folderWith((folder) => {
    for (const pathOf of [archivePath, manifestPath])
      cpSync(pathOf(folder, { ...trades, date }), pathOf(folder, { ...trades, date: before }));
  });
  const { code, output, errors } = await run(["cat", "--data-dir", dataDir, ...selection]);
  expect({ code, isRest: output === stored.second + stored.sealed + stored.open }).toEqual({ code: 1, isRest: true });
  expect(errors).toContain(`${archivePath(dataDir, { ...trades, date: before })}: it belongs to stream=aggTrade/`);
}, 60_000);

test.each(["null", "[]", "5", '{"gaps":[null,5,{"from_us":"x"}]}', ""])(
  "a manifest that is %p keeps no whole archive back, and no gap is made of it",
  async (text) => {
    const dataDir = folderWith((folder) => writeFileSync(manifestPath(folder, { ...trades, date }), text));
    const { code, output, errors } = await run(["cat", "--gaps", "--data-dir", dataDir, ...selection]);
    const lines = output.split(/(?<=\n)/).filter((line) => !line.startsWith('{"gap"'));
    expect([code, errors]).toEqual([0, ""]);
    expect(lines.join("") === stored.first + stored.second + stored.sealed + stored.open).toBe(true);
  },
  20_000,
);

test.each([
  ["", false],
  [", and late segments of its day are not merged yet", true],
])(
  "an archive that is gone, though its manifest is there%s, is named; export replaces no file",
  async (_, isLate) => {
    const dataDir = folderWith((folder) => {
      rmSync(archive(folder));
      const late = segmentPath(folder, { ...trades, date, name: "23-00" }, "open");
      if (isLate) mkdirSync(dirname(late), { recursive: true });
      if (isLate) writeFileSync(late, secondLines(date, 82_800, 82_801, tradeLine));
    });
    const cat = await run(["cat", "--data-dir", dataDir, ...selection]);
    const rest =
      stored.first + (isLate ? secondLines(date, 82_800, 82_801, tradeLine) : "") + stored.sealed + stored.open;
    expect({ code: cat.code, isRest: cat.output === rest }).toEqual({ code: 1, isRest: true });
    expect(cat.errors).toContain(`${archive(dataDir)}: it is gone`);
    const out = join(temporaryFolder(), "good.csv");
    writeFileSync(out, "good");
    expect((await run(["export", "--data-dir", dataDir, ...selection, "--out", out])).code).toBe(1);
    expect(readFileSync(out, "utf8")).toBe("good");
    expect((await run(["verify", "--data-dir", dataDir])).output).toContain("archive_missing");
  },
  20_000,
);

test("a sealed segment has a checksum that zstd itself checks", async () => {
  const check = () => Bun.spawnSync(["zstd", "-tq", sealed(folder)]).exitCode;
  const folder = folderWith(() => {});
  if (Bun.which("zstd") !== null) expect(check()).toBe(0);
  expect((readFileSync(sealed(folder))[4] ?? 0) & 4).toBe(4);
  flip(sealed(folder), readFileSync(sealed(folder)).length - 1);
  if (Bun.which("zstd") !== null) expect(check()).toBe(1);
});
