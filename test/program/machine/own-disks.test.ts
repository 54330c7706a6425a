import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRetention } from "../../../server/archive/retention/retention.ts";
import { archiveFolder, archivePath, type Day } from "../../../server/domain/day.ts";
import type { Status } from "../../../server/domain/status.ts";
import { freeForArchives, measureVolumes } from "../../../server/monitor/disk/volumes.ts";
import { moveAside } from "../../../server/platform/files/durable-files.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { archiveDays, secondLines, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { mountMissing, mountSmallDisk, unmountAll } from "../../support/machine/mounts.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  unmountAll();
});

/** The program, recording a lively symbol into this folder. */
async function record(
  dataDir: string,
  env: Record<string, string> = {},
): Promise<{ program: Program; status: () => Promise<Status>; url: string }> {
  const exchange = createSimulatedExchange(
    {},
    { source: createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3 }), log: silentLog },
  );
  const { wsUrl, restUrl } = await exchange.start();
  const program = start([...rtData, "record"], {
    env: {
      RT_DATA_EXCHANGE_WS_URL: wsUrl,
      RT_DATA_EXCHANGE_REST_URL: restUrl,
      RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
      RT_DATA_RECORD_DATA_DIR: dataDir,
      RT_DATA_RECORD_FLUSH_MS: "100",
      RT_DATA_HTTP_PORT: "0",
      RT_DATA_ALERTS_DISK_LOW_HOLD_S: "0",
      RT_DATA_ALERTS_WRITE_ERROR_HOLD_S: "0",
      ...env,
    },
  });
  ends.push(async () => {
    program.kill("SIGKILL");
    await program.ended;
    await exchange.stop();
  });
  const url = await program.url();
  return { program, url, status: async () => (await (await fetch(`${url}/api/status`)).json()) as Status };
}

/** Fills the disk until only this many bytes are free. */
function fill(disk: string, leave: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "ballast"), Buffer.alloc(bavail * bsize - leave));
}

test.skipIf(mountMissing !== "")(
  `archives behind a link to a small disk of their own: that disk is measured, told by name on the page, in metrics, incident and check, and the data folder's room is not taken for it${mountMissing}`,
  async () => {
    const disk = mountSmallDisk("64m");
    const dataDir = join(temporaryFolder(), "data");
    mkdirSync(join(dataDir), { recursive: true });
    mkdirSync(join(disk, "archives"));
    symlinkSync(join(disk, "archives"), join(dataDir, "archive"));
    fill(disk, 1_000_000);
    const { program, url, status } = await record(dataDir);
    await until(
      async () => (await status()).alerts.open.some(({ rule }) => rule === "disk_low"),
      "the incident",
      30_000,
    );
    const { disks, disk: own, alerts } = await status();
    expect(disks.map(({ name, level, total_bytes }) => [name, level, total_bytes])).toEqual([
      ["data", "ok", own?.total_bytes ?? 0],
      ["archive", "very_low", 64 * 1024 ** 2],
    ]);
    expect(alerts.open.find(({ rule }) => rule === "disk_low")).toMatchObject({
      severity: "critical",
      subjects: ["archive"],
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`rt_data_volume_size_bytes{volume="archive"} ${64 * 1024 ** 2}`);
    expect((await status()).ready).toBe(true);
    program.kill("SIGTERM");
    await program.ended;
    expect(program.errors()).toMatch(/almost full: .* disk=archive/);
    const { output } = await run(["check", "--only", "data,disk", "--data-dir", dataDir]);
    expect(output).toContain("each is watched by itself");
    expect(output).toMatch(/1 MB of 67 MB are free/);
  },
  40_000,
);

test.skipIf(mountMissing !== "")(
  `an archive on another file system goes when its time is over, by its own disk's room, without remains${mountMissing}`,
  async () => {
    const disk = mountSmallDisk("64m");
    const dataDir = join(temporaryFolder(), "data");
    const day = await recordedFolderOn(dataDir, disk);
    expect(await freeForArchives(dataDir)).toBeLessThan(64 * 1024 ** 2);
    const removed: string[] = [];
    const look = (minFreeGb: number, days: number) =>
      createRetention(
        { dataDir, limits: { days, gb: 0, minFreeGb }, unconfirmed: "keep", isCapped: false },
        {
          time: () => ({ kind: "confirmed", us: Date.parse(`${day.date}T00:00:00Z`) * 1000 + 30 * 86_400e6 }),
          notUploaded: () => null,
          onRemoved: ({ date }) => removed.push(date),
          log: silentLog,
        },
      ).run();
    // The archive's disk has more than a thousandth of a gigabyte free, whatever the data folder's has.
    await look(0.001, 0);
    expect(removed).toEqual([]);
    await look(0, 7);
    expect(removed.length).toBeGreaterThan(0);
    expect(existsSync(archiveFolder(dataDir, day))).toBe(false);
    expect(readdirSync(join(dataDir, "archive", ".removing"))).toEqual([]);
  },
  40_000,
);

/** A day that was merged into an `archive/` that leads to another disk. */
async function recordedFolderOn(dataDir: string, disk: string): Promise<Day> {
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
  mkdirSync(dataDir);
  mkdirSync(join(disk, "archives"));
  symlinkSync(join(disk, "archives"), join(dataDir, "archive"));
  const text = secondLines(day.date, 0, 60, tradeLine);
  await archiveDays(dataDir, [{ segment: { ...day, name: "00-00" }, text }], "2026-11-21");
  expect(existsSync(archivePath(dataDir, day))).toBe(true);
  return day;
}

test.skipIf(mountMissing !== "")(
  `a file that is moved to the quarantine from another file system arrives whole, and the original goes only then${mountMissing}`,
  () => {
    const disk = mountSmallDisk("4m");
    const file = join(disk, "strange.bin");
    const content = Buffer.from(Array.from({ length: 700_000 }, (_, n) => n % 251));
    writeFileSync(file, content);
    const folder = join(temporaryFolder(), "quarantine");
    const kept = moveAside(file, folder);
    expect(Buffer.compare(readFileSync(kept), content)).toBe(0);
    expect([existsSync(file), readdirSync(folder)]).toEqual([false, ["strange.bin"]]);
  },
);

test.skipIf(mountMissing !== "")(
  `when the inodes are used up although there is room, log, page and incident say so by that name, and recording goes on once there are some${mountMissing}`,
  async () => {
    const disk = mkdtempSync(join(tmpdir(), "rt-data-inodes-"));
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=200m,nr_inodes=400", "tmpfs", disk]);
    ends.push(() => {
      spawnSync("umount", ["-l", disk]);
      rmSync(disk, { recursive: true, force: true });
    });
    const dataDir = join(disk, "data");
    mkdirSync(join(disk, "files"));
    const takeAll = (leave: number) => {
      for (let n = 0; statfsSync(disk).ffree > leave; n++) writeFileSync(join(disk, "files", `${leave}-${n}`), "");
    };
    const { program, status } = await record(dataDir, { RT_DATA_RECORD_SEGMENT_MINUTES: "1" });
    await until(async () => (await status()).totals.records > 0, "the first records", 30_000);
    takeAll(0);
    await until(
      async () => (await status()).disk?.scarce === "inodes" && (await status()).disk?.level !== "ok",
      "the shortage to be seen",
      30_000,
    );
    // If a stream has no file yet, records cannot be written at all: that is the greater incident with the same cause.
    const told = async () =>
      (await status()).alerts.open.find(({ rule }) => rule === "disk_low" || rule === "write_error")?.detail ?? "";
    const words = /^(\d+ of 400 inodes are left \(too many files\)|no inodes are left \(too many files\))/;
    await until(async () => words.test(await told()), "the incident to say so", 30_000);
    // The next segment cannot be created.
    await until(
      async () => (await status()).reasons.join().includes("the disk does not accept data"),
      "the window's end",
      70_000,
    );
    await until(() => program.errors().includes("no inodes left (too many files)"), "the log to say so", 30_000);
    expect((await status()).reasons.join()).toContain("out of inodes: none are left (too many files)");
    expect(program.errors()).not.toContain("the disk is full");
    rmSync(join(disk, "files"), { recursive: true });
    await until(async () => (await status()).reasons.length === 0, "recording to go on", 30_000);
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  },
  150_000,
);

test("a folder that is created during the check does not count as a broken link", async () => {
  const root = temporaryFolder();
  const problems = new Set<string | null>();
  for (let n = 0; n < 600; n++) {
    const dataDir = join(root, `${n}`);
    mkdirSync(dataDir);
    const measured = measureVolumes(dataDir);
    for (let turn = 0; turn < n % 6; turn++) await new Promise(setImmediate);
    mkdirSync(join(dataDir, "live"));
    mkdirSync(join(dataDir, "archive"));
    for (const { problem } of await measured) problems.add(problem);
  }
  expect([...problems]).toEqual([null]);
});
