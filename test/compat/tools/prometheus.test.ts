import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "bun";
import { createMetrics } from "../../../server/metrics/metrics.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { storeToken } from "../../support/http/tokens.ts";
import { fakeSources } from "../../support/metrics/sources.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

const root = join(import.meta.dir, "../../..");
const rules = join(root, "ops/prometheus/alerts.yml");
const example = join(root, "ops/prometheus/scrape.example.yml");
const dashboard = JSON.parse(readFileSync(join(root, "ops/grafana/rt-data.json"), "utf8"));
const promtool = which("promtool");
const noPromtool = promtool === null ? " (skipped: no promtool here; Debian's package prometheus has it)" : "";
const prometheus = which("prometheus");
const noPrometheus = prometheus === null ? " (skipped: no prometheus here)" : "";
const python = ["/usr/bin/python3", which("python3")].find(hasParser) ?? null;
const noPython = python === null ? " (skipped: no python3 with the package prometheus_client here)" : "";

/** Metrics that a recorder has only if configured, or after a while. */
const optional =
  /^rt_data_(upload.*|telegram_.*|disk_fill_bytes_per_second|disk_full_in_seconds|scrape_duration_seconds)$/;

/** For those who ask for them; the dashboard has enough on it. */
const notShown = [
  "process_max_fds",
  "rt_data_archives_merged_total",
  "rt_data_clock_steps_total",
  "rt_data_connection_last_receive_timestamp_seconds",
  "rt_data_connection_streams",
  "rt_data_segments_sealed_total",
  "rt_data_unusual_messages_total",
  "rt_data_upload_sent_bytes_total",
  "rt_data_volume_free_bytes",
  "rt_data_volume_free_inodes",
  "rt_data_volume_inodes",
  "rt_data_volume_reachable",
  "rt_data_volume_size_bytes",
];

const password = "s3cret";
let program: Program;
let url = "";
const dataDir = join(temporaryFolder(), "data");
/** A recorder on which everything is set up. */
let full: ReturnType<typeof Bun.serve>;

beforeAll(async () => {
  const hash = await Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 1024, timeCost: 1 });
  const env = { RT_DATA_HTTP_PASSWORD_HASH: hash, RT_DATA_ARCHIVE_LEVEL: "3" };
  program = start([...rtData, "demo", "--port", "0", "--data-dir", dataDir], { env });
  url = await program.url();
  let step = 0;
  const http = () => ({ dashboards: 1, books: 1, dropped: 1, pendingRequests: 1 });
  const metrics = createMetrics(
    fakeSources(() => step++, 3),
    http,
  );
  full = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(metrics.text("text")) });
  const known = [
    "rt_data_clock_offset_seconds",
    "rt_data_delay_estimate_seconds",
    "rt_data_flush_interval_seconds",
    "rt_data_volume_size_bytes",
  ];
  const areKnown = async () => {
    const [names, all] = [namesIn(await scrape()), await (await fetch(full.url)).text()];
    return known.every((name) => names.has(name)) && all.includes("rt_data_scrape_duration_seconds");
  };
  await until(areKnown, "two flushes, and the clock to be compared", 30_000);
});

afterAll(async () => {
  program.kill("SIGTERM");
  await program.ended;
  await full.stop(true);
});

async function scrape(accept = "text/plain"): Promise<string> {
  const authorization = `Basic ${btoa(`prometheus:${password}`)}`;
  const answer = await fetch(`${url}/metrics`, { headers: { accept, authorization } });
  expect(answer.status).toBe(200);
  return answer.text();
}

test.skipIf(promtool === null)(
  `promtool accepts the metrics of a default recorder and of a fully configured recorder${noPromtool}`,
  async () => {
    for (const text of [await scrape(), await (await fetch(full.url)).text()])
      expect(tool(["check", "metrics"], text)).toEqual({ code: 0, said: "" });
  },
);

test.skipIf(promtool === null)(
  `promtool accepts the rules and the scrape config, and the rules fire as documented${noPromtool}`,
  () => {
    expect(tool(["check", "rules", rules])).toMatchObject({
      code: 0,
      said: expect.stringContaining("SUCCESS: 18 rules"),
    });
    expect(tool(["check", "config", "--syntax-only", example]).code).toBe(0);
    expect(tool(["test", "rules", join(import.meta.dir, "alerts.promtool.yml")])).toMatchObject({ code: 0 });
  },
);

test.skipIf(python === null)(
  `Prometheus's Python library reads both formats, with the same samples${noPython}`,
  async () => {
    const read = async (format: string, accept: string) => {
      const script = join(import.meta.dir, "read_metrics.py");
      const stdin = Buffer.from(await scrape(accept));
      const { stdout, stderr } = Bun.spawnSync([python ?? "", script, format], { stdin });
      expect(stderr.toString()).toBe("");
      return JSON.parse(stdout.toString()) as { names: string[]; samples: number };
    };
    // Samples of a part come with its first event, which may fall between two scrapes.
    let [text, open] = [await read("text", "text/plain"), await read("openmetrics", "application/openmetrics-text")];
    await until(
      async () => {
        [text, open] = [await read("text", "text/plain"), await read("openmetrics", "application/openmetrics-text")];
        return text.samples === open.samples;
      },
      "two scrapes of the same samples",
      15_000,
    );
    expect(open.names).toContain("rt_data_messages");
    expect(open.names.length).toBeGreaterThan(55);
    expect(open.samples).toBe(text.samples);
  },
);

test("every metric that the dashboard and the rules ask for is there", async () => {
  const [here, everywhere] = [namesIn(await scrape()), namesIn(await (await fetch(full.url)).text())];
  const asked = [...queries().map(({ expr }) => expr), readFileSync(rules, "utf8")].flatMap(
    (text) => text.match(/\b(?:rt_data|process)_[a-z_]+/g) ?? [],
  );
  expect(new Set(asked).size).toBeGreaterThan(50);
  for (const name of new Set(asked)) {
    expect([name, everywhere.has(name)]).toEqual([name, true]);
    if (!optional.test(name)) expect([name, here.has(name)]).toEqual([name, true]);
  }
  const left = [...everywhere].filter((name) => !asked.includes(name) && !/_(sum|count)$/.test(name)).sort();
  expect(left).toEqual(notShown);
});

test.skipIf(prometheus === null)(
  `a real Prometheus, with the example's config, takes a recorder behind a password with a token that gets in nowhere else, and answers every query of the dashboard${noPrometheus}`,
  async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "tsdb"));
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const { secret } = storeToken(dataDir, "metrics");
    writeFileSync(join(folder, "rt-data.token"), `${secret}\n`);
    for (const path of ["/api/status", "/dashboard", "/ws/dashboard", "/state/BTCUSDT", "/openapi"])
      expect((await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } })).status).toBe(403);
    writeFileSync(join(folder, "alerts.yml"), readFileSync(rules));
    const config = readFileSync(example, "utf8")
      .replaceAll("15s", "500ms")
      .replace("/etc/prometheus/rt-data.token", join(folder, "rt-data.token"))
      .replace('["127.0.0.1:8000"]', `["127.0.0.1:${new URL(url).port}", "127.0.0.1:${full.port}"]`);
    writeFileSync(join(folder, "prometheus.yml"), config);
    const words = ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--web.listen-address=127.0.0.1:0"];
    const server = start([prometheus ?? "", ...words], { cwd: folder });
    const port = () => /msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(server.errors())?.[1];
    const isReady = async () => port() !== undefined && (await fetch(`http://127.0.0.1:${port()}/-/ready`)).ok;
    await until(isReady, "Prometheus to be ready", 30_000);
    const api = async (path: string) => (await fetch(`http://127.0.0.1:${port()}/api/v1/${path}`)).json();
    const ask = (expr: string) => api(`query?query=${encodeURIComponent(expr)}`);

    await until(
      async () => (await ask("min(count_over_time(up[1m])) >= 4")).data?.result?.length > 0,
      "four scrapes",
      30_000,
    );
    expect((await ask("up")).data.result.map(({ value }: { value: unknown[] }) => value[1])).toEqual(["1", "1"]);
    const failed: unknown[] = [];
    for (const { title, expr } of queries()) {
      const { status, error, data } = await ask(filledIn(expr));
      const mayBeEmpty = /[<>] 0\b/.test(expr) && !expr.startsWith("clamp");
      if (status !== "success" || (data.result.length === 0 && !mayBeEmpty)) failed.push({ title, expr, error });
    }
    expect(failed).toEqual([]);
    const { groups } = (await api("rules")).data as { groups: { rules: { name: string; health: string }[] }[] };
    expect(groups.flatMap((group) => group.rules).filter(({ health }) => health !== "ok")).toEqual([]);
    server.kill("SIGKILL");
    await server.ended;
  },
  60_000,
);

test("the dashboard can be imported: unique ids, no data source built in, no overlapping panels", () => {
  const { panels, templating, uid } = dashboard;
  const ids = panels.map(({ id }: { id: number }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(uid).toBe("rt-data");
  expect(templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
  const uids = [...JSON.stringify(dashboard).matchAll(/"datasource":\{"type":"prometheus","uid":"([^"]*)"/g)];
  expect(uids.length).toBeGreaterThan(50);
  for (const [, source] of uids) expect(source).toMatch(/^\$\{datasource\}$/);
  const taken = new Set<string>();
  for (const { gridPos: at, title } of panels) {
    expect(at.x + at.w).toBeLessThanOrEqual(24);
    for (let x = at.x; x < at.x + at.w; x++)
      for (let y = at.y; y < at.y + at.h; y++) {
        expect([title, taken.has(`${x}/${y}`)]).toEqual([title, false]);
        taken.add(`${x}/${y}`);
      }
  }
});

function queries(): { title: string; expr: string }[] {
  const panels = dashboard.panels as { title: string; targets?: { expr: string }[] }[];
  const asked = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
  const notes = dashboard.annotations.list as { name: string; expr: string }[];
  return [...asked, ...notes.map(({ name, expr }) => ({ title: name, expr }))];
}

/** As Grafana fills its variables in. */
function filledIn(expr: string): string {
  return expr.replaceAll("$__rate_interval", "4s").replaceAll("$instance", ".*").replaceAll("$job", ".*");
}

function namesIn(text: string): Set<string> {
  return new Set(text.split("\n").flatMap((line) => /^[a-z_]+/.exec(line)?.[0] ?? []));
}

function tool(words: readonly string[], input = ""): { code: number; said: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([promtool ?? "", ...words], { stdin: Buffer.from(input) });
  return { code: exitCode, said: `${stdout}${stderr}` };
}

function hasParser(path: string | null): path is string {
  if (path === null) return false;
  try {
    return Bun.spawnSync([path, "-c", "import prometheus_client.openmetrics.parser"]).success;
  } catch {
    return false;
  }
}
