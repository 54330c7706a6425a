/**
 * How often a random suite runs its schedules: `usual` times in `bun run test`, `RT_DATA_TEST_RUNS` times where that is set, as
 * `bun run test:random` does for an hour with new seeds.
 */
export function randomRuns(usual: number): number {
  const wanted = Number(process.env.RT_DATA_TEST_RUNS);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual;
}
