import { expect, test } from "bun:test";
import { createProgress, progressBar } from "../../../server/cli/terminal/progress.ts";

function progressOn(isInteractive: boolean) {
  const clock = { ms: 0 };
  const written: string[] = [];
  const progress = createProgress(
    { isInteractive },
    (text) => written.push(text),
    () => clock.ms,
  );
  return { progress, clock, written };
}

test("work that takes longer than a second shows its progress on one line, at most ten times a second", () => {
  const { progress, clock, written } = progressOn(true);
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) progress.update(clock.ms / 4000, "a file");
  expect(written).toEqual([]);
  for (clock.ms = 1000; clock.ms < 2000; clock.ms += 10) progress.update(clock.ms / 4000, "a file");
  expect(written).toHaveLength(10);
  expect(written[0]).toBe(`\r\x1b[K${"█".repeat(6)}${"░".repeat(18)}   25 %  3 s left  a file`);
  progress.clear();
  expect(written.at(-1)).toBe("\r\x1b[K");
  progress.clear();
  expect(written).toHaveLength(11);
});

test("without a terminal no progress is shown", () => {
  const { progress, clock, written } = progressOn(false);
  clock.ms = 5000;
  progress.update(0.5, "a file");
  progress.clear();
  expect(written).toEqual([]);
});

test("the bar stays within its bounds for any input", () => {
  expect(progressBar(-1, 1000)).toBe(`${"░".repeat(24)}    0 %`);
  expect(progressBar(7, 1000)).toBe(`${"█".repeat(24)}  100 %  0 s left`);
  expect(progressBar(0.5, 200_000)).toContain("3 min 20 s left");
});
