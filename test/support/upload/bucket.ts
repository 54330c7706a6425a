import { createCipheriv } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type ArchiveLifecycle,
  type ArchiveLifecycleDeps,
  createArchiveLifecycle,
} from "../../../server/app/data/archive-lifecycle.ts";
import { archivePath, type Day, dateStartUs, manifestPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import type { Log } from "../../../server/platform/log/log.ts";
import type { LogFields } from "../../../server/platform/log/log-format.ts";
import { appConfig } from "../app-config.ts";
import { archiveHere, segmentOf, today, writeRaw } from "../data/day-fixture.ts";
import { temporaryFolder } from "../folder.ts";
import { until } from "../wait.ts";
import type { S3 } from "./s3.ts";

export type Logged = { level: string; message: string; fields: LogFields };

/** A log that remembers. */
export function rememberingLog(): { log: Log; lines: Logged[]; text: () => string } {
  const lines: Logged[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { log, lines, text: () => JSON.stringify(lines) };
}

/** Archives these lines as a day of `dataDir`, with the code of a recorder. */
export async function archive(dataDir: string, day: Day, text: string | Uint8Array, name = "00-00"): Promise<void> {
  const segment = segmentOf(name, day);
  writeRaw(dataDir, segment, text);
  await archiveHere(dataDir, [segment]);
}

/** Lines of aggTrade with these ids; the clock of the recorder is `lateUs` behind the trades' second. */
export function trades(day: Day, ids: readonly number[], lateUs: number): string {
  const startUs = dateStartUs(day.date);
  const payload = (id: number) =>
    `{"e":"aggTrade","E":1,"s":"${day.symbol}","a":${id},"p":"1.00000000","q":"2.00000000"}`;
  return ids.map((id) => encodeLine(payload(id), startUs + id * 1e6 + lateUs, 5)).join("");
}

/** Lines that hardly compress, so that their archive is large: about 0.76 of their size. Always the same lines. */
export function noise(day: Day, megabytes: number): Buffer {
  const startUs = dateStartUs(day.date);
  const random = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(2400);
  const lines: string[] = [];
  for (let bytes = 0, id = 1; bytes < megabytes * 1e6; id++) {
    const text = random.update(zeros).toString("base64");
    const line = encodeLine(`{"lastUpdateId":${id},"bids":[["${text}","1"]],"asks":[]}`, startUs + id * 1000, null);
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join(""));
}

export type TestKeeping = ArchiveLifecycle &
  ReturnType<typeof rememberingLog> & { settled(count?: number): Promise<void> };

/** Uploads the archives of `dataDir` to the bucket of `s3`, with short waits, and ticked as by the app. */
export function keep(
  dataDir: string,
  s3: Pick<S3, "endpoint" | "bucket" | "accessKey" | "secretKey">,
  settings: Record<string, unknown> = {},
  deps: Partial<ArchiveLifecycleDeps> = {},
): TestKeeping {
  const config = appConfig({
    ...{ "record.data_dir": dataDir, "archive.level": 3 },
    ...{ "upload.endpoint": s3.endpoint, "upload.bucket": s3.bucket },
    ...{ "upload.access_key": s3.accessKey, "upload.secret_key": s3.secretKey },
    ...settings,
  });
  const remembered = rememberingLog();
  const nowUs = () => dateStartUs(today) + 3_600_000_000 + Math.round(performance.now() * 1000);
  const keeping = createArchiveLifecycle(config, {
    dataDir,
    mode: "record",
    nowUs,
    time: () => ({ kind: "confirmed", us: nowUs() }),
    recorder: { version: "0.0.0", host: "test" },
    log: remembered.log,
    ...deps,
    pace: { settleMs: 50, retryMs: 20, partBytes: 5 * 1024 * 1024, lookMs: 0, ...deps.pace },
  });
  keeping.tick(0);
  const ticker = setInterval(() => keeping.tick(0), 20);
  return {
    ...keeping,
    ...remembered,
    stop() {
      clearInterval(ticker);
      return keeping.stop();
    },
    async settled(count = 1) {
      const isSettled = () => {
        const status = keeping.status();
        return (
          status !== null &&
          status.archives_uploaded >= count &&
          status.archives_waiting + status.archives_unconfirmed === 0
        );
      };
      await until(isSettled, `${count} uploads to be confirmed`, 50_000).catch((error: Error) => {
        throw new Error(`${error.message}: ${remembered.text().slice(-2000)}`);
      });
    },
  };
}

export function newDataDir(): string {
  const dataDir = join(temporaryFolder(), "data");
  mkdirSync(dataDir);
  return dataDir;
}

/** Keys of a day's two objects, as they should be. */
export function keysOf(day: Day, prefix = ""): string[] {
  return [archivePath("", day), manifestPath("", day)].map((path) => prefix + path.replace(/^archive\//, "")).sort();
}
