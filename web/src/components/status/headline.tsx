import { computed } from "@preact/signals";
import type { IncidentRule } from "../../../../server/domain/incidents/incident-rules.ts";
import type { Status } from "../../../../server/domain/status.ts";
import { causeWord } from "../../present/causes.ts";
import { bytes, coveragePercent, duration, number, rate } from "../../present/format.ts";
import { dateStart, shortClock, zoneName } from "../../present/time.ts";
import { openIncidents } from "../../state/alerts.ts";
import { ageSeconds, link, old, status } from "../../state/state.ts";
import { shareOfToday, today } from "../../state/today.ts";
import { t } from "../../words/i18n.ts";
import { Value } from "./value.tsx";

type Verdict = {
  readonly level: "wait" | "good" | "warn" | "bad";
  readonly sentence: string;
  readonly lines: readonly string[];
};

/** Of the disk that is left: below this it is said. */
const lowDisk = 0.05;
const silentUs = 60_000_000;

const verdict = computed((): Verdict => {
  const newest = status.value;
  if (newest === null && link.value === "lost")
    return { level: "bad", sentence: t("noAnswer"), lines: [t("noAnswerHint")] };
  if (newest === null) return { level: "wait", sentence: t("connecting"), lines: [t("connectingHint")] };
  if (old.value) {
    const age = duration(ageSeconds.value);
    return link.value === "lost"
      ? { level: "bad", sentence: t("lost"), lines: [`${t("lostHint", { age })} ${t("lostSince")}`] }
      : { level: "bad", sentence: t("old"), lines: [t("oldHint", { age })] };
  }
  if (!newest.ready) return { level: "bad", sentence: t("notReady"), lines: [...newest.reasons, ...openGaps(newest)] };
  const warnings = attention(newest);
  const open = openIncidents.value.filter(({ severity }) => severity !== "info");
  if (open.length > 0) warnings.push(t("alertsBelow", { n: number(open.length) }));
  const isGrave = open.some(({ severity }) => severity === "critical");
  if (warnings.length > 0) return { level: isGrave ? "bad" : "warn", sentence: t("attention"), lines: warnings };
  return newest.symbols.length === 0
    ? { level: "warn", sentence: t("nothing"), lines: [t("noSymbols")] }
    : { level: "good", sentence: t("well"), lines: [summary(newest)] };
});

const level = computed(() => verdict.value.level);
const headlineClass = computed(() => `headline ${level.value}`);
const sentence = computed(() => verdict.value.sentence);
const linesText = computed(() => verdict.value.lines.join("\n"));

/** Whether all is well, in one sentence, and if not, why. */
export function Headline() {
  return (
    <section class={headlineClass} data-level={level}>
      <div class="verdict">
        <h1>
          <span class="lamp" aria-hidden="true" />
          <span role="status">{sentence}</span>
        </h1>
        <Lines />
      </div>
      <p class="facts">
        <span>
          <Value read={(s) => s.host} />
        </span>
        <span>
          <Value read={(s) => t("runningFor", { time: duration((s.now_us - s.started_us) / 1e6) })} />
        </span>
        <span>
          <Value read={(s) => t("version", { version: s.version })} />
        </span>
      </p>
    </section>
  );
}

function Lines() {
  const lines = linesText.value.split("\n");
  return lines.length === 1 ? (
    <p class="why">{lines[0]}</p>
  ) : (
    <ul class="why">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function summary(newest: Status): string {
  const streams = newest.symbols.reduce((sum, symbol) => sum + symbol.streams.length, 0);
  const recording = t("wellSentence", {
    symbols: number(newest.symbols.length),
    streams: number(streams),
    rate: rate(newest.totals.messages_per_s),
  });
  const known = today.value === null ? null : shareOfToday(today.value.days);
  if (today.value === null || known === null) return recording;
  const percent = coveragePercent(known.share);
  if (known.sinceMinute === 0) return `${recording} ${t("wellCoverage", { percent })}`;
  const time = shortClock(dateStart(today.value.date) + known.sinceMinute * 60_000_000);
  return `${recording} ${t("wellCoverageSince", { percent, time: `${time} ${zoneName()}` })}`;
}

/** What is not recorded at this moment: since when, why, and what it costs. One line a cause. */
function openGaps(newest: Status): string[] {
  if (openIncidents.value.some(({ rule }) => rule === "disconnected" || rule === "stale")) return [];
  const open = newest.symbols.flatMap(({ symbol, streams }) =>
    streams.flatMap(({ gap }) => (gap === null ? [] : [{ ...gap, symbol }])),
  );
  return [...new Set(open.map(({ cause }) => cause))].map((cause) => {
    const same = open.filter((gap) => gap.cause === cause);
    const fromUs = Math.min(...same.map(({ from_us }) => from_us));
    return t("openGap", {
      since: t("since", { time: `${shortClock(fromUs)} ${zoneName()}` }),
      age: duration((newest.now_us - fromUs) / 1e6),
      cause: causeWord(cause),
      streams: number(same.length),
      symbols: few([...new Set(same.map(({ symbol }) => symbol))]),
    });
  });
}

function attention(newest: Status): string[] {
  const closed = newest.connections.filter((connection) => connection.state !== "open").length;
  const { disk_free_bytes: free, disk_total_bytes: total } = newest.hardware;
  const silent = newest.symbols.filter(
    ({ last_recv_us, state }) =>
      state !== "halted" && newest.now_us - Math.max(last_recv_us ?? 0, newest.started_us) > silentUs,
  );
  const ofState = (state: string) => newest.symbols.filter((one) => one.state === state).map(({ symbol }) => symbol);
  const [halted, unknown] = [ofState("halted"), ofState("unknown")];
  // What an incident says below is not said twice.
  const isTold = (...rules: IncidentRule[]) => openIncidents.value.some(({ rule }) => rules.includes(rule));
  const lines: string[] = openGaps(newest);
  if (closed > 0 && !isTold("disconnected")) lines.push(t("warnSocket", { n: closed, all: newest.connections.length }));
  if (newest.archive.failures > 0 && !isTold("backlog")) lines.push(t("warnFailures", { n: newest.archive.failures }));
  if (total > 0 && free / total < lowDisk && !isTold("disk_low")) lines.push(t("warnDisk", { free: bytes(free) }));
  if (newest.disk !== null && newest.disk.level !== "ok" && !isTold("disk_low")) lines.push(t("warnMerging"));
  if (newest.disk?.is_filling && newest.disk.full_in_s !== null && !isTold("disk_forecast"))
    lines.push(t("diskForecastWarn", { time: duration(newest.disk.full_in_s) }));
  if (unknown.length > 0 && !isTold("symbol_unknown")) lines.push(t("warnUnknown", { symbols: few(unknown) }));
  if (halted.length > 0) lines.push(t("warnHalted", { symbols: few(halted) }));
  if (silent.length > 0 && !isTold("stale", "disconnected"))
    lines.push(t("warnSilent", { symbols: few(silent.map(({ symbol }) => symbol)) }));
  return lines;
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? t("more", { symbols: shown, n: names.length - 3 }) : shown;
}
