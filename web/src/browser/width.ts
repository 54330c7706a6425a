import { type ReadonlySignal, signal } from "@preact/signals";

/** True on a screen as narrow as a phone's. */
export const isPhone = matches("(max-width: 720px)");

/** True on a window too narrow for a month beside each symbol. */
export const isNarrow = matches("(max-width: 1180px)");

/** True on a screen with room for charts on the overview. */
export const isWide = matches("(min-width: 2000px)");

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const now = signal(list.matches);
  list.addEventListener("change", () => {
    now.value = list.matches;
  });
  return now;
}
