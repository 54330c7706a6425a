import { batch, computed, type Signal, signal } from "@preact/signals";
import type { Status, SymbolStatus } from "../../../server/domain/status.ts";

/** State of the page's own connection to the recorder. */
export type Link = "connecting" | "open" | "lost";

/** Age, ms, at which the shown status counts as old. A tick is a second; the page notices a lost contact within two seconds. */
const oldAfterMs = 1700;

export const link = signal<Link>("connecting");
export const status = signal<Status | null>(null);

/** When the newest status was received, µs. */
export const receivedUs = signal(0);

const receivedMs = signal(0);
const nowMs = signal(performance.now());

/** Whole seconds since the last message. */
export const ageSeconds = computed(() => Math.max(0, Math.floor((nowMs.value - receivedMs.value) / 1000)));

/** True while the page shows old figures. */
export const old = computed(
  () => status.value !== null && (link.value !== "open" || nowMs.value - receivedMs.value > oldAfterMs),
);

/** True while the page cannot reach the recorder, also if it never has. */
export const isLost = computed(() => (status.value === null ? link.value === "lost" : old.value));

const symbolSignals = new Map<string, Signal<SymbolStatus>>();

/** Names of the recorded symbols; changes only when the set does. */
export const symbolNames = signal<readonly string[]>([]);

/** The signal of one symbol, or undefined if it is not recorded. */
export function symbolSignal(symbol: string): Signal<SymbolStatus> | undefined {
  return symbolSignals.get(symbol);
}

/** Takes over a new status; each symbol has a signal of its own, so that only what changed is drawn. */
export function receive(next: Status): void {
  batch(() => {
    receivedMs.value = performance.now();
    receivedUs.value = Date.now() * 1000;
    nowMs.value = receivedMs.value;
    status.value = next;
    for (const symbol of next.symbols) {
      const known = symbolSignals.get(symbol.symbol);
      if (known === undefined) symbolSignals.set(symbol.symbol, signal(symbol));
      else known.value = symbol;
    }
    const names = next.symbols.map((symbol) => symbol.symbol);
    if (names.join() !== symbolNames.peek().join()) {
      symbolNames.value = names;
      for (const name of symbolSignals.keys()) if (!names.includes(name)) symbolSignals.delete(name);
    }
  });
}

/** Advances the age of the shown status. */
export function passTime(): void {
  nowMs.value = performance.now();
}
