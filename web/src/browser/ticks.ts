import { signal } from "@preact/signals";
import { recall, remember } from "./memory.ts";

/** Colours of rising and falling prices. */
export type Ticks = "green-red" | "red-blue";

const key = "rt-data.ticks";
const stored = recall(key);

/** The choice made in this browser; null: the language decides. */
export const chosenTicks = signal<Ticks | null>(stored === "green-red" || stored === "red-blue" ? stored : null);

/** Chooses the colours and remembers them. */
export function chooseTicks(next: Ticks): void {
  chosenTicks.value = next;
  remember(key, next);
}
