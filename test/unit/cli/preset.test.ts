import { expect, test } from "bun:test";
import { configOf } from "../../../server/cli/framework/config-flags.ts";
import { withPreset } from "../../../server/cli/record/preset.ts";

const research = ["depth@100ms", "trade", "bookTicker", "depth20@100ms", "aggTrade"];

test("--preset research records what backtesters read, whatever the file says; other flags stay", () => {
  const config = configOf(withPreset({ preset: "research", symbols: "BNBUSDT" }));
  expect(config.record.streams.map(({ name }) => name)).toEqual(research);
  expect(config.record.symbols).toEqual(["BNBUSDT"]);
});

test("without --preset the flags stay; an unknown preset and a second choice of streams are refused", () => {
  expect(withPreset({ streams: "trade" })).toEqual({ streams: "trade" });
  expect(() => withPreset({ preset: "reserch" })).toThrow(
    '--preset "reserch" is not accepted (did you mean "research"?)',
  );
  expect(() => withPreset({ preset: "toString" })).toThrow('--preset "toString" is not accepted');
  expect(() => withPreset({ preset: "research", streams: "trade" })).toThrow(
    `--preset research and --streams both choose streams; give --streams ${research.join(",")} with your own`,
  );
});
