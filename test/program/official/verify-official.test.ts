import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareWithOfficial } from "../../../server/cli/data/verify-official.ts";
import { date, recordedFolder, secondLines, today, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import {
  csvOf,
  pythonMissing,
  rowsOf,
  serveFiles,
  sha256,
  tradesOf,
  zipAll,
} from "../../support/official/daily-files.ts";
import { run } from "../../support/run.ts";

test.skipIf(pythonMissing !== "")(
  `rt-data verify --official proves a day by Binance's file, names trades that are not recorded, and tells which file is not published yet${pythonMissing}`,
  async () => {
    const dataDir = await recordedFolder();
    const recorded = rowsOf(tradesOf(secondLines(date, 0, 600, tradeLine) + secondLines(today, 0, 1, tradeLine)), date);
    const id = Number(recorded[3]?.split(",")[0]);
    const never = (recorded.at(-2) ?? "").replace(/^\d+/, String(id + 10_000));
    const zips = zipAll({
      equal: csvOf(recorded),
      more: csvOf([...recorded.slice(0, -1), never, ...recorded.slice(-1)]),
    });
    let file = "equal";
    const server = serveFiles((path) => {
      if (!path.startsWith("/data/spot/daily/aggTrades/BTCUSDT/")) return null;
      const zip = zips[file];
      if (zip === undefined) return null;
      return path.endsWith(".CHECKSUM") ? `${sha256(zip)}  x.zip\n` : zip;
    });
    const env = { RT_DATA_OFFICIAL_URL: server.url };
    const verify = (...words: string[]) =>
      run(["verify", "--data-dir", dataDir, "--official", "--quick", "--allow-gaps", "--date", date, ...words], {
        env,
      });

    const proved = await verify("--symbol", "BTCUSDT");
    expect([proved.code, proved.errors]).toEqual([0, ""]);
    expect(proved.output).toContain("Binance's daily files: 1 day of 1 proved complete\n");
    expect(proved.output).toContain(`equal            aggTrade  BTCUSDT  ${date}  600 trades equal\n`);

    file = "more";
    const both = await verify();
    expect(both.code).toBe(1);
    expect(both.output).toContain("Binance's daily files: 0 days of 2 proved complete\n");
    expect(both.output).toContain(`not recorded: 1 trade, ids ${id + 10_000}\n`);
    expect(both.output).toContain(`not published    aggTrade  ETHUSDT  ${date}  Binance has not published the file`);
    const { official } = JSON.parse((await verify("--json")).output);
    expect(official).toMatchObject([
      { symbol: "BTCUSDT", verdict: "missing", proved: false, checksum: "ok", missing: { count: 1 } },
      { symbol: "ETHUSDT", verdict: "not published", proved: false, reason: null },
    ]);
    server.stop();
    const cut = await verify();
    expect([cut.code, cut.output.match(/not compared/g)?.length]).toEqual([1, 2]);
    expect(cut.output).toMatch(
      /BTCUSDT {2}\S+ {2}cannot reach 127\.0\.0\.1:\d+ .+\n.+ETHUSDT {2}\S+ {2}not tried, for the same reason/,
    );
  },
);

test("the demo's invented trades are not compared with Binance's files", async () => {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, "this-is-demo-data"), "");
  const deps = { stop: new AbortController().signal, onProgress() {} };
  await expect(compareWithOfficial({}, { dataDir, tracks: [] }, deps)).rejects.toThrow("leave out --official");
  rmSync(dataDir, { recursive: true });
});
