import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { faultKinds } from "../../../../server/simulator/faults/fault.ts";
import { createFaultPlayer } from "../../../../server/simulator/faults/fault-player.ts";
import { parseFaultScript, readFaultScript } from "../../../../server/simulator/faults/fault-script.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { book, btcBook, idsOf, startFaulty, watch } from "../../../support/simulator/fault-bench.ts";
import { until } from "../../../support/wait.ts";

test("a scenario is read in the order of its times, with its scopes and parameters", () => {
  const parsed = parseFaultScript(`
    # the second comes first
    [[fault]]
    at_ms = 5000
    for_ms = 250
    kind = "drop"
    symbol = "btcusdt"
    share = 0.25

    [[fault]]
    at_ms = 10
    kind = "close"
    code = 1012
  `);
  expect(parsed).toEqual({
    ok: true,
    script: [
      { at_ms: 10, for_ms: 0, fault: { kind: "close", code: 1012 } },
      { at_ms: 5000, for_ms: 250, fault: { kind: "drop", symbol: "BTCUSDT", share: 0.25 } },
    ],
  });
});

test("every kind can be written with its times alone", () => {
  for (const kind of Object.keys(faultKinds)) {
    const symbol = kind === "symbol-status" ? 'symbol = "BTCUSDT"' : "";
    expect([kind, parseFaultScript(`[[fault]]\nat_ms = 0\nfor_ms = 1\nkind = "${kind}"\n${symbol}`).ok]).toEqual([
      kind,
      true,
    ]);
  }
});

test("all mistakes are reported together, each with its line and the accepted values", () => {
  const parsed = parseFaultScript(
    [
      'falt = "x"',
      "[[fault]]",
      "at_ms = -1",
      'kind = "cloze"',
      "[[fault]]",
      "at_ms = 1.5",
      'kind = "close"',
      "code = 1006",
      "for_ms = 5",
      "shares = 1",
      "[[fault]]",
      'kind = "late"',
      "delay = 7",
      "[[fault]]",
      "at_ms = 0",
      "for_ms = 1",
      'kind = "empty-side"',
      'side = "bid"',
      "connection = 0",
    ].join("\n"),
  );
  if (parsed.ok) throw new Error("it was accepted");
  expect(parsed.problems.map(({ line }) => line)).toEqual([1, 3, 4, 6, 8, 10, 11, 11, 13, 18, 19]);
  const words = parsed.problems.map(({ problem }) => problem).join("\n");
  for (const part of [
    'unknown key "falt" (did you mean "fault"?)',
    'unknown kind "cloze" (did you mean "close"?); kinds: close, reset,',
    "at_ms = -1 is not accepted",
    "at_ms = 1.5 is not accepted; give a whole number",
    "code = 1006 is not accepted; give a close code from 1000 to 4999",
    '"close" has no shares; it has kind, at_ms, for_ms, connection, code, reason',
    "at_ms is missing",
    "for_ms is missing",
    '"late" has no delay',
    'side = "bid" is not accepted; give "bids", "asks", "both"',
    "connection = 0 is not accepted",
  ]) {
    expect(words).toContain(part);
  }
});

test("a file that is not TOML, or without faults, is refused with a reason", () => {
  expect(parseFaultScript("[[fault]\nat_ms = 0")).toMatchObject({ ok: false, problems: [{ line: 1 }] });
  expect(parseFaultScript("")).toMatchObject({
    ok: false,
    problems: [{ problem: expect.stringContaining("[[fault]]") }],
  });
  expect(parseFaultScript("fault = 3")).toMatchObject({ ok: false, problems: [{ line: 1 }] });
});

test("a file with mistakes is refused with its path before each, and a missing one by name", () => {
  const path = join(temporaryFolder(), "faults.toml");
  writeFileSync(path, '[[fault]]\nat_ms = 0\nkind = "droop"\n');
  expect(() => readFaultScript(path)).toThrow(`${path}:3: unknown kind "droop" (did you mean "drop"?)`);
  expect(() => readFaultScript(`${path}.none`)).toThrow(`cannot read the faults of ${path}.none`);
});

test("a scenario happens at its times: a stall that ends with its burst, then a close; stopping ends what lasts", async () => {
  const { source, faults, exchange, wsUrl } = await startFaulty();
  const watcher = await watch(`${wsUrl}/stream?streams=${btcBook}`);
  const parsed = parseFaultScript(`
    [[fault]]
    at_ms = 0
    for_ms = 150
    kind = "stall"
    [[fault]]
    at_ms = 300
    kind = "close"
    code = 1011
    [[fault]]
    at_ms = 300
    for_ms = 60000
    kind = "drop"
  `);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const player = createFaultPlayer(parsed.script, { faults, log: silentLog });
  player.start();
  await until(() => faults.hooks.frames !== null, "the stall");
  source.emit(book(1));
  await until(() => watcher.frames.length > 0, "the burst");
  expect([idsOf(watcher, btcBook), faults.hooks.frames]).toEqual([[1], null]);
  await until(() => watcher.closed() !== null, "the close");
  expect(watcher.closed()?.code).toBe(1011);
  await until(() => faults.hooks.frames !== null, "the drop");
  player.stop();
  expect(faults.hooks.frames).toBeNull();
  await exchange.stop();
});

test("the example is a valid scenario that shows every kind there is", () => {
  const script = readFaultScript(join(import.meta.dir, "../../../../ops/faults.example.toml"));
  expect([...new Set(script.map(({ fault }) => fault.kind))].sort()).toEqual(
    (Object.keys(faultKinds) as (typeof script)[number]["fault"]["kind"][]).sort(),
  );
});
