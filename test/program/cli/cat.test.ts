import { beforeAll, expect, test } from "bun:test";
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { archivePath, segmentPath } from "../../../server/domain/day.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import {
  before,
  bookLine,
  date,
  recordedFolder,
  refetchedLine,
  secondLines,
  secondOf,
  today,
  tradeLine,
} from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

const cat = (...words: string[]) => run(["cat", "--data-dir", dataDir, ...words]);
const trades = ["--stream", "aggTrade", "--symbol", "BTCUSDT"];

test("all records of a stream are printed byte for byte and in order, from archives, sealed segments and the open segment", async () => {
  const { code, output, errors } = await cat("--stream", "depth20", "--symbol", "BTCUSDT");
  const expected = [
    secondLines(before, 86_400 - 600, 86_400, bookLine),
    secondLines(date, 0, 600, bookLine),
    secondLines(today, 0, 400, bookLine),
  ].join("");
  expect(output === expected).toBe(true);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});

test("an archive comes out as zstd itself unpacks it", async () => {
  const { output } = await cat(...trades, "--from", date, "--to", today);
  const archive = archivePath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date });
  expect(output === zstdDecompressSync(readFileSync(archive)).toString()).toBe(true);
});

test("a range has its first moment and not its last, in UTC, with an offset, or in local time", async () => {
  const expected = secondLines(date, 60, 120, tradeLine);
  const ranges = [
    ["--from", "2026-11-21T00:01", "--to", "2026-11-21T00:02"],
    ["--from", "2026-11-21T00:01:00.000Z", "--to", "2026-11-21 00:02:00"],
    ["--from", "2026-11-21T09:01+09:00", "--to", "2026-11-20T19:02-05:00"],
  ];
  for (const range of ranges) expect((await cat(...trades, ...range)).output).toBe(expected);
  const local = ["--local", "--from", "2026-11-21T09:01", "--to", "2026-11-21T09:02"];
  const seoul = await run(["cat", "--data-dir", dataDir, ...trades, ...local], { env: { TZ: "Asia/Seoul" } });
  expect(seoul.output).toBe(expected);
});

test("several symbols are merged by receipt time, each line with its stream and symbol; without --with-symbol they are refused", async () => {
  const range = ["--stream", "aggTrade", "--from", date, "--to", "2026-11-21T00:00:02"];
  const { output } = await cat(...range, "--with-symbol");
  const rows = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ symbol, recv_us }) => [symbol, recv_us])).toEqual([
    ["BTCUSDT", secondOf(date, 0)],
    ["ETHUSDT", secondOf(date, 0) + 500],
    ["BTCUSDT", secondOf(date, 1)],
    ["ETHUSDT", secondOf(date, 1) + 500],
  ]);
  expect(output).toStartWith('{"stream":"aggTrade","symbol":"BTCUSDT","recv_us":');
  const stored = tradeLine(secondOf(date, 0), 86_400).slice(1);
  expect(output.split("\n")[0]).toEndWith(stored.trimEnd());
  const refused = await cat(...range);
  expect(refused).toMatchObject({ code: 2, output: "" });
  expect(refused.errors).toContain("2 streams are recorded (aggTrade BTCUSDT, aggTrade ETHUSDT)");
  expect(refused.errors).toContain("--with-symbol");
});

test("--gaps prints a gap where it begins, once, also one over midnight", async () => {
  const { output } = await cat(...trades, "--gaps", "--from", "2026-11-21T00:09:58", "--to", "2026-11-22T00:00:02");
  const lines = output.trimEnd().split("\n");
  expect(lines).toHaveLength(5);
  expect(JSON.parse(lines[2] ?? "")).toEqual({
    gap: {
      ...{ stream: "aggTrade", symbol: "BTCUSDT", from_us: secondOf(date, 599), to_us: secondOf(today, 0) },
      ...{ cause: "restart", missing: null, repaired: 0 },
    },
  });
  expect(JSON.parse(lines[1] ?? "").recv_us).toBe(secondOf(date, 599));
  expect(JSON.parse(lines[3] ?? "").recv_us).toBe(secondOf(today, 0));
});

test("a reader may close the pipe early: no error, exit code 0", async () => {
  const words = [...rtData, "cat", "--data-dir", dataDir, "--stream", "depth20"];
  const shell = start(["bash", "-c", `"$@" | head -1; echo "codes \${PIPESTATUS[0]}"`, "bash", ...words]);
  expect(await shell.ended).toBe(0);
  expect(shell.output()).toBe(`${bookLine(secondOf(before, 85_800), 85_800)}codes 0\n`);
  expect(shell.errors()).toBe("");
});

test("it waits for a slow reader, and handles signals meanwhile", async () => {
  const words = [...rtData, "cat", "--data-dir", dataDir, "--stream", "depth20"];
  const script = '"$@" > >(head -c 1 >&2; exec sleep 6) & echo "pid $!"; wait $!; echo "ended $?"';
  const stuck = start(["bash", "-c", script, "bash", ...words]);
  // Twenty times the capacity of a pipe follows after the first byte.
  await until(() => stuck.errors() !== "", "the first byte", 30_000);
  const pid = Number(/pid (\d+)/.exec(stuck.output())?.[1]);
  process.kill(pid, "SIGTERM");
  await until(() => stuck.output().includes("ended"), "the end", 5000);
  expect(stuck.output()).toContain("ended 1");
  stuck.kill("SIGKILL");
});

test("a damaged file is named, the rest is printed, and the exit code is 1", async () => {
  const own = await recordedFolder();
  const path = segmentPath(own, { stream: "aggTrade", symbol: "BTCUSDT", date: today, name: "00-00" }, "sealed");
  truncateSync(path, 100);
  const { code, output, errors } = await run(["cat", "--data-dir", own, ...trades, "--from", date]);
  expect(code).toBe(1);
  expect(errors).toContain(`rt-data: ${path}: `);
  expect(output).toBe(secondLines(date, 0, 600, tradeLine) + secondLines(today, 300, 400, tradeLine));
  rmSync(own, { recursive: true });
});

test("backfilled trades, which have a separate file, are printed in order of time; so are those of a second start", async () => {
  const own = temporaryFolder();
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date: today };
  const refetched = [10, 11, 12].map((second) => refetchedLine(secondOf(today, second) + 5, 172_800 + second));
  writeRaw(
    own,
    { ...day, name: "00-00" },
    secondLines(today, 0, 10, tradeLine) + secondLines(today, 13, 100, tradeLine),
  );
  writeRaw(own, { ...day, name: "00-00_02" }, refetched.join(""));
  writeRaw(own, { ...day, name: "00-00_03" }, secondLines(today, 120, 200, tradeLine));
  writeRaw(own, { ...day, name: "00-05" }, secondLines(today, 300, 310, tradeLine));
  const expected = [
    secondLines(today, 0, 10, tradeLine),
    ...refetched,
    secondLines(today, 13, 100, tradeLine),
    secondLines(today, 120, 200, tradeLine),
    secondLines(today, 300, 310, tradeLine),
  ].join("");
  expect(await run(["cat", "--data-dir", own])).toEqual({ code: 0, output: expected, errors: "" });
  const verified = await run(["verify", "--data-dir", own]);
  expect(verified.output).toContain("id_missing: 120 ids are missing and no gap explains it, first 172900 to 172919");
});

test("bytes that are not text are printed as stored", async () => {
  const own = temporaryFolder();
  const day = { stream: "aggTrade", symbol: "币安人生USDT", date: today };
  const line = Buffer.from(tradeLine(secondOf(today, 0), 1, "币安人生USDT"));
  const broken = Buffer.from(line);
  broken[line.indexOf("币")] = 0xff;
  const path = writeRaw(own, { ...day, name: "00-00" }, Buffer.concat([line, broken]));
  const out = join(temporaryFolder(), "out");
  const shell = start(["bash", "-c", `"$@" > ${out}`, "bash", ...rtData, "cat", "--data-dir", own]);
  expect(await shell.ended).toBe(0);
  expect(readFileSync(out)).toEqual(readFileSync(path));
});

test("while a recorder appends, only whole lines are printed", async () => {
  const own = await recordedFolder();
  const path = segmentPath(own, { stream: "aggTrade", symbol: "BTCUSDT", date: today, name: "00-05" }, "open");
  const whole = secondLines(today, 300, 400, tradeLine);
  writeFileSync(path, whole);
  for (const tail of ["", "{", tradeLine(secondOf(today, 400), 1).slice(0, -2)]) {
    truncateSync(path, Buffer.byteLength(whole));
    appendFileSync(path, tail);
    const { code, output } = await run(["cat", "--data-dir", own, ...trades, "--from", "2026-11-22T00:05"]);
    expect({ code, isWhole: output === whole }).toEqual({ code: 0, isWhole: true });
  }
  rmSync(own, { recursive: true });
});

test("all mistakes are reported at once with the accepted values, exit code 2", async () => {
  const { code, errors } = await cat("--from", "last week", "--symbol", "B/T");
  expect(code).toBe(2);
  expect(errors).toContain('--from "last week" is not accepted; give a UTC time such as 2026-11-22');
  expect(errors).toContain('--symbol "B/T" is not accepted; give symbols such as BTCUSDT');
  expect((await cat("--stream", "depth21")).errors).toContain('did you mean "depth20"?');
  expect((await cat("--simbol", "BTCUSDT")).errors).toContain('did you mean "--symbol"?');
  const none = await cat("--from", "2027-01-01");
  expect(none.code).toBe(2);
  expect(none.errors).toContain("Recorded: 2026-11-20 to 2026-11-22: BTCUSDT, ETHUSDT (aggTrade, depth20)");
});

test("reading needs only a valid data folder in the config", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "rt-data.toml"), `[record]\ndata_dir = "${dataDir}"\nflush_ms = "soon"\n[nonsense]\n`);
  const words = ["cat", ...trades, "--from", "2026-11-22T00:06:39"];
  const expected = tradeLine(secondOf(today, 399), 172_800 + 399);
  expect(await run(words, { cwd: folder })).toEqual({ code: 0, output: expected, errors: "" });
  const env = { RT_DATA_RECORD_DATA_DIR: dataDir, RT_DATA_HTTP_PORT: "many" };
  expect((await run(words, { env })).output).toBe(expected);
  expect(await run([...words, "--config", "/nowhere.toml"])).toMatchObject({ code: 2 });
});
