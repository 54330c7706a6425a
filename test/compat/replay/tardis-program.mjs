import {
  compute,
  computeBookSnapshots,
  getExchangeDetails,
  init,
  normalizeBookChanges,
  normalizeBookTickers,
  normalizeTrades,
  replay,
  replayNormalized,
} from "tardis-dev";

/** Runs under Node: reads a range by the unmodified tardis-dev and prints what it got as a line of JSON. */
const [endpoint, cacheDir, apiKey, from, to] = process.argv.slice(2);
init({ endpoint, cacheDir, apiKey });
const range = { exchange: "binance", from, to };
const symbols = ["btcusdt", "ethusdt"];
const counts = {};
const count = (name) => {
  counts[name] = (counts[name] ?? 0) + 1;
};

const books = replayNormalized(
  { ...range, symbols, withDisconnectMessages: true },
  normalizeBookChanges,
  normalizeBookTickers,
);
for await (const message of books) {
  if (message.type === "book_change") count(message.isSnapshot ? "snapshot" : "change");
  else count(message.type);
}
const trades = replayNormalized({ ...range, symbols, withDisconnectMessages: true }, normalizeTrades);
let amount = 0;
for await (const message of trades) {
  count(message.type === "disconnect" ? "disconnect of trades" : message.type);
  if (message.type === "trade") amount += message.amount;
}
for await (const message of replay({ ...range, filters: [{ channel: "trade", symbols: ["btcusdt"] }] })) {
  if (message !== undefined) count("raw trade");
}
const snapshots = [];
const computed = compute(
  replayNormalized({ ...range, symbols: ["btcusdt"] }, normalizeBookChanges),
  computeBookSnapshots({ depth: 20, interval: 0 }),
);
let seen = 0;
for await (const message of computed) {
  if (message.type !== "book_snapshot" || seen++ % 50 !== 0) continue;
  const { localTimestamp, bids, asks } = message;
  snapshots.push([localTimestamp.getTime(), bids.map(Object.values), asks.map(Object.values)]);
}
const { id, availableSymbols } = await getExchangeDetails("binance");
console.log(
  JSON.stringify({ counts, amount, snapshots, seen, details: [id, availableSymbols.map((symbol) => symbol.id)] }),
);
