import { incidentRules } from "../domain/incidents/incident-rules.ts";
import type { HttpLoad, Status } from "../domain/status.ts";
import { type Build, build } from "../platform/process/version.ts";
import { counter, type Family, gauge, histogram, info } from "./family.ts";
import type { MetricsSources } from "./sources.ts";

const severities = ["info", "warning", "critical"] as const;

/** The program itself: what it is, whether data flows, who looks at it, whom it tells. */
export function programFamilies(sources: MetricsSources, status: Status, http: HttpLoad): readonly Family[] {
  const { hardware } = status;
  return [
    info("rt_data_build", "What was built.", { ...labelsOf(build) }),
    info("rt_data_recorder", "What this recorder does.", { mode: status.mode, shard: status.shard }),
    gauge("rt_data_ready", "1 while data flows, as /health/ready says.", [status.ready ? 1 : 0]),
    ...alertFamilies(sources, status),
    gauge("rt_data_websocket_clients", "Browsers that are connected.", ...clientsOf(http)),
    counter("rt_data_websocket_clients_dropped", "Browsers that were dropped since they did not keep up.", [
      http.dropped,
    ]),
    gauge("rt_data_http_pending_requests", "Requests that are being answered.", [http.pendingRequests]),
    histogram("rt_data_event_loop_lag_seconds", "How late the timer of the second was.", sources.lag()),
    gauge("rt_data_host_cpu_ratio", "Share of all cores in use by everybody.", [hardware.cpu_ratio]),
    gauge("rt_data_host_memory_used_bytes", "Memory in use by everybody.", [hardware.memory_used_bytes]),
    gauge("rt_data_host_memory_size_bytes", "Memory of the machine.", [hardware.memory_total_bytes]),
  ];
}

function labelsOf({ version, commit, bun, target }: Build): Record<string, string> {
  return { version, commit, bun, target };
}

function clientsOf({ dashboards, books }: HttpLoad) {
  return [
    [dashboards, { kind: "dashboard" }],
    [books, { kind: "book" }],
  ] as const;
}

function alertFamilies({ incidents }: MetricsSources, { telegram }: Status): readonly Family[] {
  const open = incidents.open();
  const each = incidentRules.flatMap((rule) =>
    severities.map((severity) => {
      const count = open.filter((one) => one.rule === rule && one.severity === severity).length;
      return [count, { rule, severity }] as const;
    }),
  );
  const told =
    telegram === null
      ? []
      : [
          gauge("rt_data_telegram_queue_messages", "Messages that wait for Telegram.", [telegram.waiting]),
          counter("rt_data_telegram_sent_messages", "Messages that Telegram took.", [telegram.sent]),
          gauge("rt_data_telegram_failing", "1 while a chat cannot be told.", [telegram.state === "ok" ? 0 : 1]),
        ];
  return [gauge("rt_data_alerts_open", "Incidents that last, by rule and severity.", ...each), ...told];
}
