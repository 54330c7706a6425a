type Point = { symbols: number; perSecond: number; cpuPerSecond: number; memory: number; most: number };

const width = 40;

/** CPU and memory against the number of symbols, as bars of text whose lengths can be compared with the figures. */
export function chartOf(points: readonly Point[]): string {
  const mostCpu = Math.max(...points.map(({ cpuPerSecond }) => cpuPerSecond));
  const mostMemory = Math.max(...points.map(({ most }) => most));
  const bar = (value: number, most: number) =>
    "█".repeat(Math.max(1, Math.round((value / most) * width))).padEnd(width);
  const lines = points.map(({ symbols, perSecond, cpuPerSecond, memory, most }) => [
    `${String(symbols).padStart(7)} ${perSecond.toFixed(0).padStart(10)}`,
    `${bar(cpuPerSecond, mostCpu)} ${(cpuPerSecond * 1000).toFixed(0).padStart(4)} ms/s, ${((cpuPerSecond * 1e6) / perSecond).toFixed(0)} µs a message`,
    `${bar(most, mostMemory)} ${most.toFixed(0).padStart(4)} MB (median ${memory.toFixed(0)})`,
  ]);
  const rows = lines.flatMap(([head = "", cpu = "", memory = ""]) => [
    `${head}  ${cpu}`,
    `${" ".repeat(head.length)}  ${memory}`,
  ]);
  return ["```", "symbols messages/s  CPU, and below it memory", ...rows, "```"].join("\n");
}
