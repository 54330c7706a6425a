import type uPlot from "uplot";

/**
 * Loads the charts' code when the first chart is shown; null where it cannot be had (the server was replaced by another version, or
 * is away). uPlot makes a number format for the browser's language as it loads, and fails where that is no language tag, as in a
 * browser started with LANG=POSIX.
 */
export async function loadPlot(): Promise<typeof uPlot | null> {
  try {
    new Intl.NumberFormat(navigator.language);
  } catch {
    Object.defineProperty(navigator, "language", { value: "en" });
  }
  try {
    return (await import("uplot")).default;
  } catch {
    return null;
  }
}
