import { effect, signal } from "@preact/signals";
import { recall, remember } from "./memory.ts";

export type Theme = "system" | "light" | "dark";

const key = "rt-data.theme";
const themes: readonly Theme[] = ["system", "light", "dark"];

/** Light, dark, or what the system says. */
export const theme = signal<Theme>(themes.find((one) => one === recall(key)) ?? "system");

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(systemIsDark.matches);
systemIsDark.addEventListener("change", () => {
  systemDark.value = systemIsDark.matches;
});

/** Changes when colours do: charts draw themselves and have to be told. */
const isDark = signal(false);

effect(() => {
  isDark.value = theme.value === "dark" || (theme.value === "system" && systemDark.value);
  document.documentElement.dataset.theme = theme.value;
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]'))
    meta.content = isDark.value ? "#0b0e13" : "#f6f7f9";
});

/** Goes on to the next of system, light, dark, and remembers it. */
export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
  remember(key, theme.value);
}
