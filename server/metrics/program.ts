import { incidentRules } from "../domain/incidents/incident-rules.ts";
import type { HttpLoad, Status } from "../domain/status.ts";
import { type Build, build } from "../platform/process/version.ts";
import { counter, type Family, gauge, histogram, info } from "./family.ts";
import type { MetricsSources } from "./sources.ts";

const severities = ["info", "warning", "critical"] as const;

/** Builds the metrics of the program itself: version, readiness, clients, alerts. */
export function programFamilies(sources: MetricsSources, status: Status, http: HttpLoad): readonly Family[] {
  const { hardware } = status;
  return [
    info("rt_data_build", "Version and origin of this build.", { ...labelsOf(build) }),
    info("rt_data_recorder", "Mode and shard of this recorder.", { mode: status.mode, shard: status.shard }),
    gauge("rt_data_ready", "1 while data flows, as in /health/ready.", [status.ready ? 1 : 0]),
    ...alertFamilies(sources, status),
    gauge("rt_data_websocket_clients", "Connected browsers.", ...clientsOf(http)),
    counter("rt_data_websocket_clients_dropped", "Browsers dropped because they were too slow.", [http.dropped]),
    gauge("rt_data_http_pending_requests", "Requests being answered now.", [http.pendingRequests]),
    histogram("rt_data_event_loop_lag_seconds", "Delay of the one-second timer.", sources.lag()),
    gauge("rt_data_host_cpu_ratio", "Share of all cores in use by all processes.", [hardware.cpu_ratio]),
    gauge("rt_data_host_memory_used_bytes", "Memory in use by all processes.", [hardware.memory_used_bytes]),
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
      const count = open.filter((incident) => incident.rule === rule && incident.severity === severity).length;
      return [count, { rule, severity }] as const;
    }),
  );
  const telegramFamilies =
    telegram === null
      ? []
      : [
          gauge("rt_data_telegram_queue_messages", "Messages waiting to be sent to Telegram.", [telegram.waiting]),
          counter("rt_data_telegram_sent_messages", "Messages accepted by Telegram.", [telegram.sent]),
          gauge("rt_data_telegram_failing", "1 while messages to a chat fail.", [telegram.state === "ok" ? 0 : 1]),
        ];
  return [gauge("rt_data_alerts_open", "Open incidents by rule and severity.", ...each), ...telegramFamilies];
}
