/**
 * `bun scenario.ts <data folder> record|again|recover`: the whole program, with an exchange of its own and a clock that jumps,
 * through every step that touches a file. "record": two windows, a lost connection and with it trades, midnight, the merge, and after the
 * stop a late segment of the
 * merged day. "again": a start on that, the second merge, a stop. "recover": a start on the files that a crash left, until all work is
 * done, and a stop. Prints facts as they come true: `emitted N`, `missed N`, `written N`, `late N`, and `done`.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type App, createApp } from "../../../server/app/app.ts";
import { liveFolder, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../app-config.ts";
import { createScriptedSource } from "../simulator/scripted-source.ts";
import { until } from "../wait.ts";

const [dataDir = "", what = "record"] = process.argv.slice(2);
const midnightMs = Date.parse("2026-11-23T00:00:00Z");
const stream = "btcusdt@aggTrade";
const batch = 12;
const missedTrades = 5;
const firstDay = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22" };
/** A step that a fault has made impossible is left to the next start, which has to do it. */
const patienceMs = what === "recover" ? 20_000 : 4000;
const log = createLog({ level: "warn", format: "text", color: false });
const say = (line: string) => writeSync(1, `${line}\n`);

let offsetMs = { record: -90_000, again: 600_000 }[what] ?? 900_000;
const started = performance.now();
const wallMs = () => Math.floor(midnightMs + offsetMs + performance.now() - started);
const source = createScriptedSource();
const exchange = createSimulatedExchange({}, { source, log, now: wallMs });
const { wsUrl, restUrl } = await exchange.start();
let last = what === "again" ? 1000 : 0;

async function startApp(): Promise<App> {
  const config = appConfig({
    "record.data_dir": dataDir,
    "record.symbols": "BTCUSDT",
    "record.streams": "aggTrade",
    "record.segment_minutes": 1,
    "record.flush_records": 10,
    "record.flush_ms": 20,
    "archive.level": 3,
    "exchange.ws_url": wsUrl,
    "exchange.rest_url": restUrl,
  });
  const app = createApp(config, {
    mode: "record",
    log,
    clock: { wallMs, monotonicMs: () => wallMs() - midnightMs + 10 * 86_400_000 },
  });
  await app.start();
  return app;
}

async function patiently(condition: () => boolean, name: string): Promise<void> {
  await until(condition, name, patienceMs).catch(() => say(`late for: ${name}`));
}

async function trade(app: App): Promise<void> {
  await patiently(() => source.wants(stream), "the subscription");
  const before = app.status().totals.records;
  for (let n = 0; n < batch; n++) {
    last++;
    const payload = `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${last},"p":"1.0","q":"1.0","f":1,"l":1,"T":1,"m":true,"M":true}`;
    say(`emitted ${last}`);
    source.emit({ stream, payload });
  }
  await patiently(() => app.status().totals.records === before + batch, "the trades to be received");
  await written(app);
}

/** The exchange sends trades while the recorder does not run. */
async function loseSome(app: App): Promise<void> {
  exchange.disconnectAll("terminate");
  await patiently(() => !source.wants(stream), "the connection to be lost");
  for (let n = 0; n < missedTrades; n++) say(`missed ${++last}`);
  await trade(app);
  // Ids tell at once; that the gap is over is known a moment later.
  await patiently(() => app.status().totals.gaps > 0, "the gap to be known");
}

async function written(app: App): Promise<void> {
  const isWritten = () => app.status().symbols.every((symbol) => symbol.buffered_records === 0);
  await patiently(isWritten, "the trades to be written");
  if (isWritten()) say(`written ${last}`);
}

async function settled(app: App): Promise<void> {
  await patiently(() => {
    const { archive, catch_up } = app.status();
    const isIdle = archive.segments_waiting === 0 && archive.days_waiting === 0 && catch_up.doing === null;
    // A day is merged only when the exchange has confirmed the time.
    return isIdle && !existsSync(liveFolder(dataDir, firstDay));
  }, "all to be sealed and merged");
}

if (what === "record") {
  const app = await startApp();
  await trade(app);
  await trade(app);
  await loseSome(app);
  offsetMs += 60_000;
  await trade(app);
  await patiently(() => app.status().archive.segments_sealed >= 1, "the first segment to be sealed");
  offsetMs += 120_000;
  await trade(app);
  await patiently(() => app.status().archive.days_merged >= 1, "the day to be merged");
  await trade(app);
  await app.stop(patienceMs);
  say("stopped");
  const segment = { ...firstDay, name: "23-00" };
  const path = segmentPath(dataDir, segment, "open");
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch {
    // Not a step of the program: a fault that hits this step comes once.
    mkdirSync(dirname(path), { recursive: true });
  }
  writeFileSync(`${path}.arriving`, encodeLine('{"e":"aggTrade","a":1000001}', (midnightMs - 3_600_000) * 1000, null));
  renameSync(`${path}.arriving`, path);
  say("late 1000001");
} else {
  const app = await startApp();
  await settled(app);
  if (what === "again") await trade(app);
  await app.stop(patienceMs);
}
await exchange.stop();
say("done");
process.exit(0);
