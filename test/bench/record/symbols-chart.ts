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
  const cpu = lineThrough(points.map((point) => [point.perSecond, point.cpuPerSecond * 1000]));
  const memory = lineThrough(points.map(({ symbols, most }) => [symbols, most]));
  const fits = [
    `CPU, ms/s: ${cpu.at0.toFixed(1)} + ${(cpu.slope * 1000).toFixed(1)} for 1,000 messages/s, at most ${cpu.furthest.toFixed(1)} away (R² ${cpu.r2.toFixed(4)})`,
    `memory, MB: ${memory.at0.toFixed(0)} + ${(memory.slope * 100).toFixed(1)} for 100 symbols, at most ${memory.furthest.toFixed(0)} away (R² ${memory.r2.toFixed(4)})`,
  ];
  return ["```", "symbols messages/s  CPU, and below it memory", ...rows, "", ...fits, "```"].join("\n");
}

/** The straight line with the least squares through points, how well it fits, and how far the furthest point is from it. */
function lineThrough(points: readonly (readonly [x: number, y: number])[]) {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) /
    points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const at0 = meanY - slope * meanX;
  const off = points.map(([x, y]) => y - at0 - slope * x);
  const r2 = 1 - off.reduce((sum, one) => sum + one ** 2, 0) / points.reduce((sum, [, y]) => sum + (y - meanY) ** 2, 0);
  return { at0, slope, r2, furthest: Math.max(...off.map(Math.abs)) };
}
