import { afterAll, expect, test } from "bun:test";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { dateOf } from "../../../server/domain/day.ts";
import { recordId } from "../../../server/domain/line.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../support/app-config.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { mountMissing, mountSmallDisk, unmountAll } from "../../support/machine/mounts.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

afterAll(unmountAll);

const stream = "btcusdt@aggTrade";

test.skipIf(mountMissing !== "")(
  `a disk that fills up: reported in time, work on archives stops in order, records wait in memory, the excess is one gap, and everything recovers when there is room${mountMissing}`,
  async () => {
    const disk = mountSmallDisk("128m");
    const dataDir = join(disk, "data");
    const timeline: string[] = [];
    const started = performance.now();
    const tell = (line: string) => timeline.push(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`);
    const log = createLog({ level: "info", format: "text", color: false }, (line) => {
      if (/disk|memory|segment/.test(line))
        tell(
          line
            .trim()
            .replace(/^\S+ \S+ /, "")
            .slice(0, 150),
        );
    });
    const source = createScriptedSource();
    const exchange = createSimulatedExchange({}, { source, log: silentLog });
    const { wsUrl, restUrl } = await exchange.start();
    const config = appConfig({
      "record.data_dir": dataDir,
      "record.symbols": "BTCUSDT",
      "record.streams": "aggTrade",
      "record.flush_ms": 50,
      "exchange.ws_url": wsUrl,
      "exchange.rest_url": restUrl,
    });
    const app = createApp(config, { mode: "record", log });
    const { url } = await app.start();
    const ready = async () => (await fetch(`${url}/health/ready`)).json() as Promise<{ reasons: string[] }>;
    const level = () => app.status().disk?.level;
    await until(() => source.wants(stream), "the subscription");
    let last = 0;
    const trade = (count: number, bytes = 100) => {
      for (let n = 0; n < count; n++)
        source.emit({
          stream,
          payload: `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${++last},"p":"${"1".repeat(bytes)}","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`,
        });
    };
    /** Fills the disk until only this many bytes are free. */
    const fill = (leave: number) => {
      rmSync(join(disk, "ballast"), { force: true });
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, "ballast"), Buffer.alloc(bavail * bsize - leave));
      tell(`(somebody leaves ${Math.round(leave / 1024)} KiB free)`);
    };

    trade(100);
    await until(() => app.status().totals.records === 100, "the trades to be recorded");
    fill(8_000_000);
    await until(() => level() === "low", "the disk to be low");
    trade(100);
    fill(2_000_000);
    await until(() => level() === "very_low", "the disk to be very low");
    await until(
      async () => (await ready()).reasons.join().includes("the disk is almost full"),
      "the reason to be told",
    );
    fill(0);
    const before = last;
    for (let n = 0; n < 40; n++) {
      trade(25, 80_000);
      await until(() => app.status().totals.messages >= last, "the trades to be received");
    }
    await until(() => level() === "full", "the disk to be full");
    await until(async () => (await ready()).reasons.join().includes("ENOSPC"), "the reason to be told");
    tell(`(${app.status().symbols[0]?.buffered_records} records wait in memory)`);
    rmSync(join(disk, "ballast"));
    tell("(somebody makes room)");
    await until(() => app.status().symbols[0]?.buffered_records === 0, "all to be written", 30_000);
    await until(() => level() === "ok", "the disk to be well again");
    trade(100);
    await until(() => app.status().totals.messages === last, "the trades to be received");
    await app.stop(5000);
    await exchange.stop();

    const recorded = new Set(
      (readRecords(dataDir).get("BTCUSDT/aggTrade") ?? []).map(({ payload }) => recordId(payload, "aggTrade")),
    );
    const lost = Array.from({ length: last }, (_, n) => n + 1).filter((id) => !recorded.has(id));
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every((id) => id > before && id <= last - 100)).toBe(true);
    const catalogue = openCatalogue(dataDir);
    const [gap, ...more] = catalogue.gapsOf({ stream: "aggTrade", symbol: "BTCUSDT", date: dateOf(Date.now() * 1000) });
    expect([gap?.cause, more.length]).toEqual(["disk", 0]);
    tell(
      `(gap: ${gap?.cause}, ${((gap?.to_us ?? 0) - (gap?.from_us ?? 0)) / 1e6} s, ${lost.length} of ${last} records)`,
    );
    expect(catalogue.events(9).map(({ kind }) => kind)).toEqual(["stop", "start"]);
    catalogue.close();
    console.log(timeline.join("\n"));
    const said = timeline.join("\n");
    for (const words of [
      "getting full",
      "almost full",
      "the disk is full",
      "cannot write",
      "accepts writes again",
      "free space again",
    ])
      expect(said.split(words).length - 1).toBe(1);
  },
  30_000,
);
