/**
 * How often a random suite runs its schedules: `usual` times in `bun run test`, `TEST_RANDOM_RUNS` times where that is set, as
 * `bun run test:random` does for an hour with new seeds.
 */
export function randomRuns(usual: number): number {
  const wanted = Number(process.env.TEST_RANDOM_RUNS);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual;
}
