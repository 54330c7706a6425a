import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dataFiles } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { endRecorders, isRunning, startUpgradable } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

afterEach(endRecorders);

const main = JSON.stringify(join(import.meta.dir, "../../../server/main.ts"));

/** Starts a recorder whose executable can be replaced before an upgrade. */
async function startReplaceable({
  files,
  ...options
}: {
  flags?: readonly string[];
  types?: string[];
  typesInFile?: boolean;
  files?: number;
} = {}) {
  const folder = temporaryFolder();
  const script = join(folder, "rt-data.ts");
  const replaceBy = (code: string) => writeFileSync(script, code);
  const restore = () => replaceBy(`await import(${main});`);
  restore();
  const dataDir = join(folder, "data");
  const program = [process.execPath, script];
  const env = { RT_DATA_RECORD_FLUSH_MS: "200" };
  const market = await startUpgradable({ dataDir, program, symbols: 2, speed: 4, env, ...options });
  // Records that are in no file yet cannot count as missing.
  await until(() => dataFiles(dataDir).length >= (files ?? market.streams), "every stream to have a file", 30_000);
  return { ...market, folder, replaceBy, restore };
}

/** Code of a process that ends, and itself or its parent with it, at a message of the protocol. */
function killAt(victim: "new" | "old", moment: string): string {
  // Only once: a process that has lost its parent gets another parent.
  const begin = `let victim = ${victim === "new" ? "process.pid" : "process.ppid"};`;
  const [what, type] = moment.split(" ");
  const strike = `if (message.type === ${JSON.stringify(type)} && victim > 1) { process.kill(victim, "SIGKILL"); victim = 0; }`;
  if (what === "receives") return `${begin} process.on("message", (message) => { ${strike} }); await import(${main});`;
  return `${begin} const send = process.send.bind(process); process.send = (message) => { send(message); ${strike} }; await import(${main});`;
}

const refusals: readonly [what: string, code: string, reason: RegExp][] = [
  ["crashes at start", "process.exit(3)", /the new process has ended \(exit code 3\)/],
  ["is too old to know the protocol", 'process.stderr.write("unknown flag\\n"); process.exit(2)', /exit code 2/],
  [
    "speaks another protocol",
    'process.send({ type: "hello", protocol: 99, version: "9.9.9" }); setInterval(() => {}, 1000)',
    /version 9\.9\.9 uses another upgrade protocol/,
  ],
];

test("if the new executable crashes, is too old or too new, the running recorder goes on without a gap", async () => {
  const market = await startReplaceable();
  const pid = market.pid();
  for (const [, code, reason] of refusals) {
    market.replaceBy(code);
    const { result } = await market.upgrade(pid);
    expect(result).toMatchObject({ kind: "failed", restarted: false, reason: expect.stringMatching(reason) });
    expect(market.pid()).toBe(pid);
  }
  const found = await market.finish(pid);
  expect(found).toMatchObject({ recorded: found.sent, lost: 0, doubled: 0, gaps: [] });
  expect(market.recorder.errors().match(/upgrade failed; this process goes on recording, without a gap/g)).toHaveLength(
    refusals.length,
  );
});

test("rt-data upgrade reports the result: 0 done, 1 failed with the reason, 2 no recorder to upgrade", async () => {
  const market = await startReplaceable();
  const pid = market.pid();
  const words = ["upgrade", "--data-dir", join(market.folder, "data")];
  market.replaceBy("process.exit(3)");
  const refused = await run(words);
  expect(refused).toMatchObject({ code: 1, output: "" });
  expect(refused.errors).toContain(
    `the new process has ended (exit code 3). The old version (process ${pid}) goes on recording`,
  );
  market.restore();
  const done = await run(words);
  expect(done).toMatchObject({ code: 0, errors: "" });
  expect(done.output).toContain(`(process ${market.pid()}) in`);
  expect(await market.finish(market.pid())).toMatchObject({ lost: 0, doubled: 0, gaps: [] });
  const nobody = await run(words);
  expect(nobody).toMatchObject({ code: 2, output: "" });
  expect(nobody.errors).toContain("no recorder on this machine records into");
});

test("the new process refuses a wrong config; a right config is applied, with its new streams and without the removed streams", async () => {
  const config = join(temporaryFolder(), "rt-data.toml");
  const types = ["depth20@100ms", "aggTrade", "trade"];
  const streams = (names: string) => `[record]\nstreams = [${names}]\n`;
  writeFileSync(config, streams('"aggTrade", "depth20@100ms"'));
  const market = await startReplaceable({ flags: ["--config", config], types, typesInFile: true, files: 4 });
  const pid = market.pid();
  writeFileSync(config, streams('"agTrade"'));
  const refused = await market.upgrade(pid);
  expect(refused.result).toMatchObject({ kind: "failed", restarted: false });
  expect(refused.result.kind === "failed" && refused.result.reason).toContain("agTrade");
  expect(market.pid()).toBe(pid);

  writeFileSync(config, streams('"aggTrade", "trade"'));
  expect((await market.upgrade(pid)).result.kind).toBe("handed_over");
  const before = market.sentCount();
  await until(() => market.sentCount() > before + 200, "data to flow");
  const found = await market.finish(market.pid(), ["depth20"]);
  expect(found).toMatchObject({ lost: 0, doubled: 0, foreign: 0 });
  // Only the stream that the config no longer lists has a gap.
  expect(new Set(found.gaps.map(({ cause, stream }) => `${cause} ${stream}`))).toEqual(
    new Set(["not_configured depth20"]),
  );
  for (const stream of ["depth20", "aggTrade", "trade"])
    expect(found.recordedOf(`BTCUSDT/${stream}`)).toBeGreaterThan(0);
});

test("a second SIGUSR2 during an upgrade is named and ignored", async () => {
  const market = await startReplaceable();
  const pid = market.pid();
  const upgrade = market.upgrade(pid);
  await until(() => market.recorder.errors().includes("started the new process"), "the upgrade to begin");
  process.kill(pid, "SIGUSR2");
  expect((await upgrade).result.kind).toBe("handed_over");
  expect(market.recorder.errors().match(/started the new process/g)).toHaveLength(1);
  expect(market.recorder.errors()).toContain("ignored a request to upgrade");
  expect(await market.finish(market.pid())).toMatchObject({ lost: 0, doubled: 0, gaps: [] });
});

/** Kills one process at a step, and checks which process records then and whether all sent records are in files or gaps. */
const kills: readonly [victim: "new" | "old", moment: string, records: "new" | "old", loses: "nothing" | "a gap"][] = [
  ["new", "sends hello", "old", "nothing"],
  ["new", "receives begin", "old", "nothing"],
  ["new", "receives begun", "old", "nothing"],
  ["new", "receives notes", "old", "nothing"],
  ["new", "sends ready", "old", "a gap"],
  ["new", "receives stopped", "old", "a gap"],
  ["new", "receives released", "old", "a gap"],
  ["old", "sends hello", "new", "a gap"],
  ["old", "receives begun", "new", "a gap"],
  ["old", "receives notes", "new", "a gap"],
  ["old", "sends ready", "new", "a gap"],
  ["old", "receives stopped", "new", "a gap"],
  ["old", "receives released", "new", "nothing"],
  ["old", "sends recording", "new", "nothing"],
];

for (const victim of ["new", "old"] as const) {
  const own = kills.filter((kill) => kill[0] === victim);
  test(`kill -9 of the ${victim} process at each of ${own.length} steps: one process goes on recording, no record is doubled, and missing records lie in a gap`, async () => {
    await Promise.all(
      own.map(async ([, moment, records, loses]) => {
        const market = await startReplaceable();
        const pid = market.pid();
        market.replaceBy(killAt(victim, moment));
        process.kill(pid, "SIGUSR2");
        const successor = () => Number(/started the new process process=(\d+)/.exec(market.recorder.errors())?.[1]);
        await until(() => successor() > 0, "the new process to be started", 30_000);
        const killed = victim === "new" ? successor() : pid;
        const left = victim === "new" ? pid : successor();
        await until(() => !isRunning(killed), `the ${victim} process to be gone (${moment})`, 30_000);
        await until(() => market.pid() === left, `the other process to record (${moment})`, 30_000);
        const before = market.sentCount();
        await until(() => market.sentCount() > before + 200, `data to flow (${moment})`, 30_000);
        const found = await market.finish(left);
        expect([moment, left === pid ? "old" : "new"]).toEqual([moment, records]);
        expect([moment, found]).toMatchObject([moment, { doubled: 0, foreign: 0, unexplained: 0, unordered: [] }]);
        if (loses === "nothing") expect([moment, found.lost, found.gaps]).toEqual([moment, 0, []]);
        else expect([moment, found.gaps.length]).not.toEqual([moment, 0]);
      }),
    );
  }, 120_000);
}
