import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { night, type Script } from "../../support/telegram/night.ts";

/** Minutes after 22:00 UTC. */
const script: Script = [
  [30, { network: false }],
  [50, { network: true }],
  [80, { deadSymbol: "SOLUSDT" }],
  [85, { deadSymbol: null }],
  [120, { diskUsed: 0.92 }],
  ...Array.from({ length: 8 }, (_, n) => [
    [150 + n * 4, { delayMs: 1800 + n * 100 }] as const,
    [152 + n * 4, { delayMs: 110 }] as const,
  ]).flat(),
  [210, "restart"],
  [330, { diskUsed: 0.6 }],
];

for (const [language, timeZone] of [
  ["en", "UTC"],
  ["ko", "Asia/Seoul"],
] as const) {
  test(`a night with an outage, a dead symbol, a full disk, a flapping delay and a restart is told in few words (${language})`, async () => {
    const told = await night(script, 420, language, timeZone);
    expect(told).toBe(readFileSync(join(import.meta.dir, `../../fixtures/telegram/night.${language}.txt`), "utf8"));
  });
}
