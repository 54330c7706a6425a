import { type Signal, signal } from "@preact/signals";
import type { VerifyState } from "../../../server/domain/queries.ts";
import { api, ask, patience } from "../api/api.ts";
import { t } from "../words/i18n.ts";

type Day = { readonly stream: string; readonly symbol: string; readonly date: string };

/** What a check has come to, as far as this page has seen it. */
export type Outcome =
  | { readonly kind: "running"; readonly progress: number }
  | { readonly kind: "said"; readonly good: boolean; readonly text: string };

const pollMs = 300;
const outcomes = new Map<string, Signal<Outcome | null>>();

/** The outcome for a day; null before a check. */
export function outcome(day: Day): Signal<Outcome | null> {
  const key = `${day.stream}/${day.symbol}/${day.date}`;
  const known = outcomes.get(key);
  if (known !== undefined) return known;
  const made = signal<Outcome | null>(null);
  outcomes.set(key, made);
  return made;
}

/** Has the recorder check an archive and follows it until it is done. */
export async function startVerify(day: Day): Promise<void> {
  const shown = outcome(day);
  const { stream, date } = day;
  const route = api.api.verify({ stream })({ symbol: encodeURIComponent(day.symbol) })({ date });
  const started = await ask<VerifyState>(route.post(null, patience()));
  if (!started.ok) {
    shown.value = say(false, t(started.code === "verify_running" ? "verifyBusy" : "verifyNotStarted"));
    return;
  }
  let state: VerifyState | null = started.value;
  while (state === null || (state.kind === "running" && isSame(state.day, day))) {
    if (state !== null) shown.value = { kind: "running", progress: state.progress };
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    const next = await ask<VerifyState>(api.api.verify.get(patience()));
    state = next.ok ? next.value : null;
  }
  shown.value = ended(state, day);
}

function ended(state: VerifyState, day: Day): Outcome | null {
  if (state.kind !== "done" || !isSame(state.day, day)) return null;
  if (state.problems.length === 0) return say(true, t("verified"));
  return say(false, t("verifyFailed", { problems: state.problems.map(({ detail }) => detail).join("; ") }));
}

function say(good: boolean, text: string): Outcome {
  return { kind: "said", good, text };
}

function isSame(a: Day, b: Day): boolean {
  return a.stream === b.stream && a.symbol === b.symbol && a.date === b.date;
}
