import { expect, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { manifestPath } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { builtExecutable } from "../../support/executable.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { start } from "../../support/program.ts";
import { archive, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { startS3rver } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

const built = await builtExecutable();
const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };

test("the executable alone uploads, and combines its archive with another recorder's archive", async () => {
  const s3 = await startS3rver();
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 1 });
  const exchange = createSimulatedExchange({}, { source: market, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const cwd = temporaryFolder();
  copyFileSync(built, join(cwd, "rt-data"));
  let sent = "";
  for (const [ids, said] of [
    [[1, 2, 3], "uploaded an archive"],
    [[3, 4], "combined an archive"],
  ] as const) {
    const dataDir = newDataDir();
    await archive(dataDir, day, trades(day, ids, 0));
    const words = ["record", "--port", "0", "--data-dir", dataDir, "--symbols", "BTCUSDT"];
    const program = start([join(cwd, "rt-data"), ...words], {
      cwd,
      env: {
        ...{ PATH: "", RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl },
        ...{ RT_DATA_UPLOAD_ENDPOINT: s3.endpoint, RT_DATA_UPLOAD_BUCKET: s3.bucket },
        ...{ RT_DATA_UPLOAD_ACCESS_KEY: s3.accessKey, RT_DATA_UPLOAD_SECRET_KEY: s3.secretKey },
      },
    });
    await until(() => program.errors().includes(said), said, 30_000);
    // The start adds a gap to the manifest, which is then sent again. This S3 server leaves an empty object if that is cut off.
    const isSent = async () => {
      // It also closes idle connections, which the client learns with its next request.
      sent = await s3.client
        .file(keysOf(day)[1] ?? "")
        .text()
        .catch(() => "");
      return (
        sent.includes('"sources"') ||
        (sent.includes('"crash"') && sent === readFileSync(manifestPath(dataDir, day), "utf8"))
      );
    };
    await until(isSent, "the manifest of this disk in the bucket", 30_000);
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  }
  const manifest = JSON.parse(sent) as Manifest;
  expect(manifest).toMatchObject({ rows: 4, sources: [{ rows: 3 }, { rows: 2 }] });
  await exchange.stop();
  await s3.stop();
}, 60_000);
