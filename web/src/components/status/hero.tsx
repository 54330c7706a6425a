import { computed, effect, signal, useComputed } from "@preact/signals";
import { reconnectNow } from "../../api/socket.ts";
import { coveragePercent, duration, number } from "../../present/format.ts";
import { clock, dateOf, shortDate, zoneName } from "../../present/time.ts";
import { recordingSince, worstSum } from "../../state/month.ts";
import { receivedUs, status } from "../../state/state.ts";
import { today } from "../../state/today.ts";
import { verdict } from "../../state/verdict.ts";
import { t } from "../../words/i18n.ts";
import { ToneMark } from "../frame/icons.tsx";
import { IncidentCards } from "../incidents/incident-card.tsx";
import { MaintenanceChoice } from "../incidents/maintenance.tsx";
import { ThirtyDays } from "./thirty-days.tsx";

const tone = computed(() => verdict.value.tone);
const sentence = computed(() => verdict.value.sentence);
const spoken = signal("");
let meaning = "";
effect(() => {
  const next = verdict.value;
  if (next.meaning === meaning) return;
  meaning = next.meaning;
  spoken.value = next.sentence;
});

/** Above this many symbols the share of complete symbols says more than seconds. */
const many = 20;

/** The state in one sentence, the incidents, and thirty days as the proof. */
export function Hero() {
  const shown = tone.value;
  return (
    <section class="panel hero headline" data-tone={shown}>
      <div class="say">
        <ToneMark tone={shown} />
        <Sentence />
        <p class="unseen" role="status">
          {spoken}
        </p>
        <Facts />
        {shown === "lost" ? <TryNow /> : <Figures />}
      </div>
      <IncidentCards />
      <ThirtyDays />
    </section>
  );
}

/** Lines break between two sentences rather than within a duration. */
function Sentence() {
  return (
    <h1>
      {sentence.value.split(/(?<=[.!?]) /).flatMap((part, n) => [n === 0 ? "" : " ", <span key={n}>{part}</span>])}
    </h1>
  );
}

function Facts() {
  const { strong, facts, tone: shown } = verdict.value;
  return (
    <p class="sub why">
      {strong !== null && <b>{strong}</b>}
      {facts.map((fact, n) => (
        <span key={`${n} ${facts.length}`}>
          {fact.split("`").map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part))}
        </span>
      ))}
      {shown !== "lost" && shown !== "wait" && <MaintenanceChoice />}
    </p>
  );
}

function TryNow() {
  return (
    <div class="figs">
      <button type="button" class="btn" onClick={reconnectNow}>
        {t("tryNow")}
      </button>
    </div>
  );
}

function Figures() {
  const sum = worstSum.value;
  const since = recordingSince.value;
  const count = useComputed(() => status.value?.symbols.length ?? 0).value;
  return (
    <dl class="figs">
      <Figure name="share" label={t("recorded30")} value={sum === null ? "–" : coveragePercent(sum.share)} />
      {count > many ? (
        <Figure name="complete" label={t("completeToday")} value={completeToday(count)} />
      ) : (
        <Figure name="missing" label={t("missing30")} value={sum === null ? "–" : duration(sum.missingS)} />
      )}
      {since !== null && <Figure name="since" label={t("recordingSince")} value={sinceText(since)} />}
    </dl>
  );
}

function Figure({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <div data-figure={name}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** On the first day how long ago it was says more than a date. */
function sinceText(sinceUs: number): string {
  const nowUs = status.value?.now_us ?? sinceUs;
  return nowUs - sinceUs < 86_400e6 ? duration((nowUs - sinceUs) / 1e6) : shortDate(dateOf(sinceUs));
}

function completeToday(count: number): string {
  const incomplete = new Set((today.value?.days ?? []).filter((day) => day.missing_s > 0).map((day) => day.symbol));
  return t("nOfAll", { n: number(count - incomplete.size), all: number(count) });
}

/** Said between the first sentence and figures that are no longer live. */
export function AsOf() {
  if (tone.value !== "lost" || status.value === null) return null;
  return <p class="soft t1 asof">{t("knownAt", { time: `${clock(receivedUs.value)} ${zoneName()}` })}</p>;
}
