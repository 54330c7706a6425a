import { expect, test } from "bun:test";
import type { Mute } from "../../../server/domain/incidents/incident.ts";
import { createMutes } from "../../../server/monitor/mutes.ts";

const minute = 60_000_000;
const startUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const all = { rule: null, symbol: null, kind: "mute" } as const;

test("a mute lasts as long as intended even if the clock is set, and its end moves along", () => {
  for (const stepUs of [8 * 60 * minute, -8 * 60 * minute]) {
    let [steadyUs, shiftUs] = [0, startUs];
    const saved = new Map<number, Mute>();
    const mutes = createMutes([], {
      nowUs: () => steadyUs + shiftUs,
      steadyUs: () => steadyUs,
      save: (mute) => saved.set(mute.id, mute),
      remove: (id) => saved.delete(id),
    });
    const { id } = mutes.add(all, startUs + 60 * minute, "somebody");
    steadyUs = 30 * minute;
    shiftUs += stepUs;
    expect(mutes.active().map(({ until_us }) => until_us)).toEqual([startUs + stepUs + 60 * minute]);
    expect(saved.get(id)?.until_us).toBe(startUs + stepUs + 60 * minute);
    steadyUs = 59 * minute;
    expect(mutes.active()).toHaveLength(1);
    steadyUs = 61 * minute;
    expect(mutes.active()).toEqual([]);
    expect(saved.size).toBe(0);
  }
});

test("a mute of an earlier run ends at its stated time", () => {
  const kept: Mute = { id: 7, ...all, from_us: startUs, until_us: startUs + 60 * minute, by: "somebody" };
  let nowUs = startUs;
  const mutes = createMutes([kept], { nowUs: () => nowUs, steadyUs: () => 0, save: () => {}, remove: () => {} });
  nowUs += 59 * minute;
  expect(mutes.active()).toEqual([kept]);
  nowUs += 2 * minute;
  expect(mutes.active()).toEqual([]);
});

test("the longer mute of a target replaces the shorter, and a mute of everything ends shorter mutes within it", () => {
  const removed: number[] = [];
  const mutes = createMutes([], {
    nowUs: () => 1e6,
    steadyUs: () => 0,
    save() {},
    remove: (id) => void removed.push(id),
  });
  const delay = { rule: "delay", symbol: null, kind: "mute" } as const;
  const long = mutes.add(delay, 8e9, "Mina");
  expect(mutes.add(delay, 1e9, "Mina")).toBe(long);
  expect(mutes.active()).toEqual([long]);
  const longer = mutes.add(delay, 9e9, "Mina");
  mutes.add({ rule: "delay", symbol: "BTCUSDT", kind: "mute" }, 20e9, "Mina");
  expect(removed).toEqual([long.id]);
  mutes.add({ rule: null, symbol: null, kind: "mute" }, 10e9, "Mina");
  expect(removed).toEqual([long.id, longer.id]);
  expect(mutes.active().map(({ until_us }) => until_us)).toEqual([20e9, 10e9]);
});
