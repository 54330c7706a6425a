import { expect, test } from "bun:test";
import fc from "fast-check";
import { createApp } from "../../../server/app/app.ts";
import { loadConfig } from "../../../server/config/config.ts";
import { parseShard, symbolsOfShard } from "../../../server/domain/symbols/shard.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { temporaryFolder } from "../../support/folder.ts";

const symbolList = fc.uniqueArray(fc.stringMatching(/^[A-Z]{3,6}USDT$/), { maxLength: 60 });
const shardsOf = (symbols: readonly string[], parts: number) =>
  Array.from({ length: parts }, (_, n) => symbolsOfShard(symbols, { index: n + 1, of: parts }));

test("all shards together contain every symbol exactly once", () => {
  fc.assert(
    fc.property(symbolList, fc.integer({ min: 1, max: 12 }), (symbols, parts) => {
      expect(shardsOf(symbols, parts).flat().sort()).toEqual([...symbols].sort());
    }),
  );
});

test("adding a symbol moves no other symbol to another shard", () => {
  fc.assert(
    fc.property(symbolList, fc.integer({ min: 1, max: 12 }), (symbols, parts) => {
      const more = shardsOf([...symbols, "1INCHUSDT"], parts).map((part) =>
        part.filter((symbol) => symbol !== "1INCHUSDT"),
      );
      expect(more).toEqual(shardsOf(symbols, parts));
    }),
  );
});

test("an added recorder takes its share and no other symbol moves", () => {
  const symbols = Array.from({ length: 300 }, (_, n) => `COIN${n}USDT`);
  const [four, five] = [shardsOf(symbols, 4), shardsOf(symbols, 5)];
  for (let n = 0; n < 4; n++) expect(five[n]?.filter((symbol) => !four[n]?.includes(symbol))).toEqual([]);
  for (const part of five) expect(part.length).toBeWithin(40, 81);
});

test("the shards are the same in every version, so recorders of two versions leave no symbol out", () => {
  expect(shardsOf(["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "币安人生USDT"], 3)).toEqual([
    ["BTCUSDT", "SOLUSDT", "币安人生USDT"],
    ["ETHUSDT", "BNBUSDT"],
    ["XRPUSDT"],
  ]);
});

test("an invalid shard is rejected", () => {
  expect(parseShard("2/5")).toEqual({ index: 2, of: 5 });
  for (const text of ["0/5", "6/5", "1", "1/0", "a/b", "1/101", "-1/2", "1/2/3"]) expect(parseShard(text)).toBeNull();
  const loaded = loadConfig(null, { "record.shard": "6/5" }, {});
  expect(loaded).toMatchObject({ ok: false, problems: [{ problem: expect.stringContaining('such as "2/5"') }] });
});

test("a recorder whose shard has no symbols does not start, and says why", () => {
  const settings = { "record.symbols": "BTCUSDT", "record.data_dir": temporaryFolder(), "record.shard": "1/50" };
  const loaded = loadConfig(null, settings, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { config } = loaded;
  expect(() => createApp(config, { mode: "record", log: silentLog })).toThrow(/"1\/50" has none of the 1 symbols/);
});
