import { expect, test } from "bun:test";
import { dateOf } from "../../../server/domain/day.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

test("every reading command takes times ago, --last, and both spellings of --symbol and --data-dir", async () => {
  const dataDir = temporaryFolder();
  const recvUs = (Date.now() - 30 * 60_000) * 1000;
  const name = new Date(recvUs / 1000).toISOString().slice(11, 16).replace(":", "-");
  const line = tradeLine(recvUs, 7);
  writeRaw(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date: dateOf(recvUs), name }, line);

  for (const range of [
    ["--last", "1h"],
    ["--from", "-1h"],
    ["--from", "-1d", "--to", "now"],
  ])
    expect(await run(["cat", "--data", dataDir, "--symbols", "BTCUSDT", ...range])).toMatchObject({
      code: 0,
      output: line,
    });
  const earlier = await run(["cat", "--data-dir", dataDir, "--from", "-2d", "--to", "-1h"]);
  expect([earlier.code === 2 || earlier.output === "", earlier.output]).toEqual([true, ""]);

  for (const words of [["ls"], ["verify", "--allow-gaps"], ["export", "--out", "-", "--format", "csv"]])
    expect(await run([...words, "--data", dataDir, "--streams", "aggTrade", "--last", "2h"])).toMatchObject({
      code: 0,
    });

  const wrong = await run(["ls", "--data", dataDir, "--from", "now", "--to", "yesterday"]);
  expect(wrong).toMatchObject({ code: 2, errors: 'rt-data: --from "now" is after --to "yesterday"\n' });
}, 60_000);
