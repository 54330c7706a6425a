import { expect, test } from "bun:test";
import { type Command, readFlags } from "../../../server/cli/framework/command.ts";
import { OperatorError } from "../../../server/platform/errors.ts";

function command(flags: Record<string, string | null>): Command {
  const described = Object.entries(flags).map(([name, value]) => [name, { value, help: "" }] as const);
  return {
    ...{ name: "test", summary: "", examples: [], run: () => Promise.resolve(0) },
    flags: Object.fromEntries(described),
  };
}

function problemOf(one: Command, words: readonly string[]): string {
  try {
    return JSON.stringify(readFlags(one, words));
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
}

const reading = command({ symbol: "A,B,…", stream: "A,B,…", "data-dir": "DIR", from: "TIME", json: null });

test("either spelling of a flag that people confuse is taken, and stored under the documented name", () => {
  expect(readFlags(reading, ["--symbols", "BTCUSDT", "--streams=trade", "--data", "d"])).toEqual({
    symbol: "BTCUSDT",
    stream: "trade",
    "data-dir": "d",
  });
  const replaying = command({ symbols: "A,B,…", data: "PATH" });
  expect(readFlags(replaying, ["--symbol", "BTCUSDT", "--data-dir", "d"])).toEqual({ symbols: "BTCUSDT", data: "d" });
});

test("a command that has both flags of a pair keeps them apart; a command that has neither refuses both", () => {
  const demo = command({ data: "PATH", "data-dir": "DIR" });
  expect(readFlags(demo, ["--data", "a", "--data-dir", "b"])).toEqual({ data: "a", "data-dir": "b" });
  expect(problemOf(command({ json: null }), ["--symbols", "BTCUSDT"])).toContain("unknown flag --symbols");
});

test("a list may be given in several parts; of another flag the last value counts", () => {
  const words = ["--symbol", "BTCUSDT", "--symbols", "ETHUSDT,SOLUSDT", "--data-dir", "a", "--data-dir", "b"];
  expect(readFlags(reading, words)).toEqual({ symbol: "BTCUSDT,ETHUSDT,SOLUSDT", "data-dir": "b" });
});

test("a value may begin with a single dash, such as a time ago or standard output", () => {
  expect(readFlags(reading, ["--from", "-1h", "--data-dir", "-"])).toEqual({ from: "-1h", "data-dir": "-" });
  expect(problemOf(reading, ["--from", "--json"])).toContain("--from needs a value: --from TIME");
});

test("a word without a flag is refused, with the flag that it may belong to", () => {
  expect(problemOf(reading, ["BTCUSDT"])).toContain('unexpected word "BTCUSDT" (did you mean "--symbol BTCUSDT"?)');
  expect(problemOf(reading, ["2026-11-22"])).toContain('(did you mean "--from 2026-11-22"?)');
  expect(problemOf(command({ data: "PATH" }), ["./data"])).toContain('(did you mean "--data ./data"?)');
  expect(problemOf(reading, ["now"])).toBe('unexpected word "now". See rt-data test --help');
  expect(problemOf(command({ json: null }), ["BTCUSDT"])).toBe('unexpected word "BTCUSDT". See rt-data test --help');
});
