/**
 * The exchange of the soak, a process of its own: 160 lively symbols, about 3,000 messages a second, and a fault every `--every` seconds.
 * Prints its addresses as JSON. SIGUSR1: no more faults and no more data; writes the ids of all that happened to the file it was
 * given and prints "still". SIGTERM ends it. `bun soak-exchange.ts <file> <seconds>`.
 */

import { recordId } from "../../../server/domain/line.ts";
import { parseStreamName } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { Fault } from "../../../server/simulator/faults/fault.ts";
import { createFaults } from "../../../server/simulator/faults/faults.ts";
import { profileOf } from "../../../server/simulator/market/symbol-profile.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";

const [file = "", everySeconds = "60"] = process.argv.slice(2);
const symbols = Array.from({ length: 160 }, (_, n) => `SYM${n}USDT`);

/** The faults in their order, with their durations, ms. */
const programme: readonly (readonly [forMs: number, ...faults: Fault[]])[] = [
  [100, { kind: "reset" }],
  [100, { kind: "close" }],
  [8000, { kind: "silent" }],
  [3000, { kind: "stall" }],
  [2000, { kind: "shutdown" }],
  [10_000, { kind: "duplicate" }],
  [5000, { kind: "refuse-connect" }, { kind: "reset" }],
  [5000, { kind: "reorder" }],
  [20_000, { kind: "rest-error" }],
  [4000, { kind: "refused-port" }],
  [3000, { kind: "slow-handshake" }, { kind: "reset" }],
  [5000, { kind: "late" }],
];

const market = createSyntheticMarket({
  symbols,
  seed: 3,
  symbolFactory: (symbol) => ({ ...profileOf("ETHUSDT"), symbol, baseAsset: symbol.slice(0, -4) }),
});
/** Ids of all recordable events, even without subscribers, by `symbol/stream folder`. */
const happened = new Map<string, number[]>();
const keys = new Map<string, { kind: "partialDepth" | "aggTrade"; ids: number[] } | null>();

function note(stream: string, payload: string): void {
  let key = keys.get(stream);
  if (key === undefined) {
    const parsed = parseStreamName(stream);
    const kind = parsed?.type.kind;
    const isRecorded = parsed?.type.name === "depth20@100ms" || kind === "aggTrade";
    key = isRecorded && (kind === "partialDepth" || kind === "aggTrade") ? { kind, ids: [] } : null;
    keys.set(stream, key);
    if (key !== null && parsed !== null) happened.set(`${parsed.symbol}/${parsed.type.folder}`, key.ids);
  }
  key?.ids.push(recordId(payload, key.kind) ?? 0);
}

const source: MarketSource = {
  ...market,
  start(emit, audience) {
    const wants = (stream: string) =>
      stream.endsWith("@depth20@100ms") || stream.endsWith("@aggTrade") || audience?.wants(stream) === true;
    return market.start(
      (events) => {
        for (const { stream, payload } of events) note(stream, payload);
        emit(events);
      },
      { wants, pressure: () => null },
    );
  },
};
const faults = createFaults();
const exchange = createSimulatedExchange({ connectsPer5Minutes: 300 }, { source, faults, log: silentLog });
console.log(JSON.stringify(await exchange.start()));

let turn = 0;
const timer = setInterval(() => {
  const [forMs, ...wanted] = programme[turn++ % programme.length] ?? [0];
  const begun = wanted.map((fault) => faults.begin(fault));
  setTimeout(() => {
    for (const fault of begun) fault.end();
  }, forMs);
}, Number(everySeconds) * 1000);

process.on("SIGUSR1", async () => {
  clearInterval(timer);
  // The longest fault is over by then, and its held frames have gone out.
  await Bun.sleep(25_000);
  await source.stop();
  await Bun.write(file, JSON.stringify({ faults: turn, happened: Object.fromEntries(happened) }));
  console.log("still");
});
process.on("SIGTERM", async () => {
  await exchange.stop();
  process.exit(0);
});
