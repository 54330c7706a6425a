/**
 * Returns how often a random test runs: `usual` times in `bun run test`, `TEST_RANDOM_TIMES` times as often in `bun run test:random`, which
 * repeats every file that imports this with new seeds.
 */
export function randomRuns(usual: number): number {
  const times = Number(process.env.TEST_RANDOM_TIMES);
  return Number.isInteger(times) && times > 0 ? usual * times : usual;
}
