import type { Family, Labels, MetricSample } from "./family.ts";

/** Prometheus's text format 0.0.4, which every scraper reads, and OpenMetrics 1.0, which Prometheus requests. */
export type ExpositionFormat = "text" | "openmetrics";

/** Content types of the formats. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Encodes families. Both formats give each sample the same name and labels. Families without samples are left out. */
export function encode(families: readonly Family[], format: ExpositionFormat): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.type !== "histogram" && family.samples.length === 0) continue;
    const name = format === "text" ? sampleName(family) : family.name;
    const type = format === "text" && family.type === "info" ? "gauge" : family.type;
    lines.push(`# HELP ${name} ${escapeHelp(family.help, format)}`, `# TYPE ${name} ${type}`);
    if (family.type === "histogram") addHistogram(lines, family);
    else for (const sample of family.samples) lines.push(line(sampleName(family), sample));
  }
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function sampleName({ type, name }: Family): string {
  if (type === "counter") return `${name}_total`;
  return type === "info" ? `${name}_info` : name;
}

function addHistogram(lines: string[], { name, view }: Extract<Family, { type: "histogram" }>): void {
  for (const [n, bound] of view.bounds.entries())
    lines.push(line(`${name}_bucket`, [view.counts[n] ?? 0, { le: floatText(bound) }]));
  lines.push(line(`${name}_bucket`, [view.count, { le: "+Inf" }]));
  lines.push(line(`${name}_sum`, [view.sum]), line(`${name}_count`, [view.count]));
}

function line(name: string, [value, labels]: MetricSample): string {
  return `${name}${labels === undefined ? "" : labelText(labels)} ${numberText(value)}`;
}

function labelText(labels: Labels): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "{" : ","}${name}="${escapeLabel(labels[name] ?? "")}"`;
  return text === "" ? "" : `${text}}`;
}

function escapeLabel(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n") : text;
}

function escapeHelp(text: string, format: ExpositionFormat): string {
  const escaped = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return format === "text" ? escaped : escaped.replace(/"/g, '\\"');
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/** Formats a bound as a float: OpenMetrics requires it, and both formats must write bounds alike. */
function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
