import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { connect } from "../../support/simulator/client.ts";
import { at, book, rows, trade, write, writeArchive, writeSegments } from "../../support/simulator/recorded-folder.ts";
import { until } from "../../support/wait.ts";

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill("SIGKILL");
    await program.ended;
  }
});

/** Starts `rt-data replay` and waits until it listens. */
async function replay(...words: string[]) {
  const program = start([...rtData, "replay", "--port", "0", ...words], { cwd: temporaryFolder() });
  programs.push(program);
  let ended = false;
  void program.ended.then(() => {
    ended = true;
  });
  await until(() => ended || /REST: +(\S+)\/api/.test(program.output()), "the replay to listen", 30_000);
  const restUrl = /REST: +(\S+)\/api/.exec(program.output())?.[1] ?? "";
  return { program, restUrl, wsUrl: restUrl.replace("http", "ws") };
}

/** Runs to its end. */
async function run(...words: string[]) {
  const program = start([...rtData, "replay", "--port", "0", ...words], { cwd: temporaryFolder() });
  programs.push(program);
  return { code: await program.ended, errors: program.errors() };
}

const bookStream = "btcusdt@depth20@100ms";

function writeFolder(): string {
  const folder = temporaryFolder();
  writeArchive(folder, "depth20", rows(at("23:59:00", "2026-11-21"), 60, 1000, book));
  writeSegments(
    folder,
    "depth20",
    rows(at("00:00:00"), 120, 1000, (n) => book(n + 60)),
    "sealed",
  );
  writeSegments(folder, "aggTrade", rows(at("00:00:00.5"), 120, 1000, trade));
  return folder;
}

test("a data folder is served to its end: every client receives everything, then a close, and the exit code is 0", async () => {
  const { program, wsUrl } = await replay("--data", writeFolder(), "--speed", "max");
  const client = await connect(`${wsUrl}/stream?streams=${bookStream}/btcusdt@aggTrade`);
  expect(await program.ended).toBe(0);
  await until(() => client.closed() !== null, "the close");
  expect(client.closed()).toEqual({ code: 1000, reason: "end of replay" });
  expect(client.received).toHaveLength(300);
  const books = client.received.map((text) => JSON.parse(text)).filter(({ stream }) => stream === bookStream);
  expect(books.map(({ data }) => data.lastUpdateId)).toEqual(Array.from({ length: 180 }, (_, n) => n));
  expect(program.errors()).toMatch(/end of the replay messages=300 sent=300 gaps=0 damaged_files=0/);
  expect(program.errors()).not.toContain("\r");
}, 60_000);

test("range, symbols and streams are chosen by flags, and /replay tells and moves the position", async () => {
  const folder = writeFolder();
  const range = ["--from", "2026-11-22T00:00:10", "--to", "2026-11-22T09:01:00+09:00"];
  const { program, wsUrl, restUrl } = await replay(
    "--data",
    folder,
    ...range,
    "--streams",
    "aggTrade",
    "--symbols",
    "btcusdt",
  );
  const where = async () => (await fetch(`${restUrl}/replay`)).json();
  expect(await where()).toMatchObject({
    state: "waiting",
    range: { from: "2026-11-22T00:00:10.000Z", to: "2026-11-22T00:01:00.000Z" },
  });
  const client = await connect(`${wsUrl}/ws/btcusdt@aggTrade/${bookStream}`);
  expect(JSON.parse(await client.next("a trade")).a).toBe(10);
  await fetch(`${restUrl}/replay/seek?to=2026-11-22T00:00:50`, { method: "POST" });
  expect(JSON.parse(await client.next("a trade")).a).toBe(50);
  await fetch(`${restUrl}/replay/speed?value=max`, { method: "POST" });
  expect(await program.ended).toBe(0);
  await until(() => client.closed() !== null, "the close");
  expect(client.received.map((text) => JSON.parse(text).a).slice(1)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
}, 60_000);

test("gaps of the recorder's list are sent with --gaps; without it their number is logged at the end", async () => {
  const folder = temporaryFolder();
  writeSegments(folder, "depth20", [...rows(at("15:00:00"), 5, 1000, book), ...rows(at("15:20:00"), 5, 1000, book)]);
  const gap = {
    stream: "depth20",
    symbol: "BTCUSDT",
    from_us: at("15:00:04"),
    to_us: at("15:20:00"),
    cause: "crash",
  } as const;
  const catalogue = openCatalogue(folder);
  catalogue.saveGaps([{ ...gap, missing: null, repaired: 0 }]);
  for (const withGaps of [true, false]) {
    // The second time in the state that a stopped recorder leaves.
    if (!withGaps) catalogue.close();
    const { program, wsUrl } = await replay("--data", folder, "--speed", "100", ...(withGaps ? ["--gaps"] : []));
    const client = await connect(`${wsUrl}/stream?streams=${bookStream}`);
    expect(await program.ended).toBe(0);
    await until(() => client.closed() !== null, "the close");
    const { stream, ...data } = gap;
    const events = client.received.filter((text) => text.includes("!gap")).map((text) => JSON.parse(text).data);
    expect(events).toEqual(withGaps ? [{ e: "gap", stream, ...data }] : []);
    expect(program.errors()).toContain("gaps=1 damaged_files=0");
    expect(program.errors().includes("has gaps that were not sent")).toBe(!withGaps);
    expect(program.errors()).toContain("skipping a gap of the recording from=2026-11-22T15:00:04.000Z");
  }
}, 60_000);

test("a corrupt file is named, the rest is played, and the exit code is 1", async () => {
  const folder = writeFolder();
  const path = write(
    join(folder, "live/stream=depth20/symbol=BTCUSDT/date=2026-11-22/00-05.jsonl.zst"),
    "no zstd at all",
  );
  const { program, wsUrl } = await replay("--data", folder, "--speed", "max");
  const client = await connect(`${wsUrl}/ws/${bookStream}`);
  expect(await program.ended).toBe(1);
  await until(() => client.closed() !== null, "the close");
  expect(client.received).toHaveLength(180);
  expect(program.errors()).toContain(
    `cannot play the whole file path="${path}" problem="Unknown frame descriptor (ZSTD_error_prefix_unknown)"`,
  );
}, 60_000);

test("all mistakes are reported at once with the accepted values, exit code 2", async () => {
  const folder = writeFolder();
  const { code, errors } = await run(
    "--data",
    folder,
    "--from",
    "last week",
    "--speed",
    "fast",
    "--time",
    "now",
    "--port",
    "x",
  );
  expect(code).toBe(2);
  for (const part of [
    '--from "last week" is not accepted; give a UTC time such as 2026-11-22 or 2026-11-22T15:04',
    '--speed "fast" is not accepted; give a number from 0.01 to 10000, or max',
    '--time "now" is not accepted; give original or shifted',
    '--port "x" is not accepted; give a whole number',
  ]) {
    expect(errors).toContain(part);
  }
  const day = await run("--data", folder, "--from", "2026-11-22", "--to", "2026-11-22");
  expect(day).toMatchObject({ code: 2, errors: expect.stringContaining("give the day after") });
  const empty = await run("--data", folder, "--from", "2026-12-01");
  expect(empty.code).toBe(2);
  expect(empty.errors).toContain("It holds messages from 2026-11-21T23:59:00.000Z to 2026-11-22T00:01:59");
  expect(empty.errors).toContain("BTCUSDT (aggTrade, depth20@100ms)");
  expect(await run("--loop", "--gaps")).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--loop needs --data PATH"),
  });
  expect(await run("--data", join(folder, "nothing"))).toMatchObject({
    code: 2,
    errors: expect.stringContaining("ENOENT"),
  });
}, 60_000);

test("without --data a simulated market is served until the process is asked to stop", async () => {
  const { program, wsUrl, restUrl } = await replay("--symbols", "ABCUSDT", "--speed", "5");
  const client = await connect(`${wsUrl}/ws/abcusdt@depth20@100ms`);
  await client.next("a book");
  expect((await fetch(`${restUrl}/replay`)).status).toBe(409);
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
}, 60_000);

test("a scenario of faults happens to a replay", async () => {
  const faults = join(temporaryFolder(), "faults.toml");
  writeFileSync(faults, '[[fault]]\nat_ms = 0\nfor_ms = 60000\nkind = "duplicate"\n');
  const raw = rows(at("15:00:00"), 50, 10, book).map(
    ([us, payload]) => `${JSON.stringify({ t: us / 1000, raw: `{"stream":"${bookStream}","data":${payload}}` })}\n`,
  );
  const path = write(join(temporaryFolder(), "raw.jsonl"), raw.join(""));
  const { program, wsUrl } = await replay("--data", path, "--faults", faults);
  const client = await connect(`${wsUrl}/ws/${bookStream}`);
  expect(await program.ended).toBe(0);
  await until(() => client.closed() !== null, "the close");
  expect(client.received).toHaveLength(100);
}, 60_000);

test("a replay answers only to its own host names, and pages of other sites can neither control nor read it", async () => {
  const { restUrl, program } = await replay("--data", writeFolder(), "--names", "replay.example.org");
  const port = Number(new URL(restUrl).port);
  const handshake = {
    ...{ connection: "Upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
  };
  /** A request as a browser would send it that was led here by a name of somebody else. */
  const ask = (path: string, headers: Record<string, string>, method = "GET") =>
    new Promise<number>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
      sent.on("response", (answer) => resolve(answer.resume().statusCode ?? 0));
      sent.on("upgrade", ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode ?? 0);
      });
      sent.on("error", reject);
      sent.end();
    });
  const paths = ["/replay", "/api/v3/time", "/ws/btcusdt@aggTrade", "/stream"];
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example"]) {
    for (const path of paths) expect([host, path, await ask(path, { host })]).toEqual([host, path, 421]);
    for (const path of paths.slice(2))
      expect(await ask(path, { ...handshake, host, origin: `http://${host}` })).toBe(421);
    expect(await ask("/replay/pause", { host, origin: `http://${host}` }, "POST")).toBe(421);
  }
  const own = `127.0.0.1:${port}`;
  for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
    expect(await ask("/replay/pause", { host: own, origin }, "POST")).toBe(403);
    expect(await ask("/ws/btcusdt@aggTrade", { ...handshake, host: own, origin })).toBe(403);
  }
  expect(await ask("/replay/pause", { host: own, "sec-fetch-site": "cross-site" }, "POST")).toBe(403);
  for (const host of [own, `localhost:${port}`, "nas", "nas.local:9443", "192.168.0.7", "replay.example.org"]) {
    expect([host, await ask("/replay", { host })]).toEqual([host, 200]);
    expect([host, await ask("/stream", { ...handshake, host, origin: `http://${host}` })]).toEqual([host, 101]);
    expect([host, await ask("/replay/resume", { host }, "POST")]).toEqual([host, 200]);
  }
  program.kill("SIGTERM");
  await program.ended;
});

test("the help says when a client that does not read is dropped, and how to wait for it", async () => {
  const program = start([...rtData, "replay", "--help"], { cwd: temporaryFolder() });
  programs.push(program);
  expect(await program.ended).toBe(0);
  expect(program.output()).toMatch(/--patient .*do not read.*64 KB in 20 s/);
});
