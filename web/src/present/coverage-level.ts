/** How a share of a day is coloured: whole, and four steps down; the figure is always beside it or in its label. */
export function coverageLevel(share: number | null): "unknown" | "whole" | "fine" | "fair" | "poor" | "bad" {
  if (share === null) return "unknown";
  if (share >= 1) return "whole";
  if (share >= 0.999) return "fine";
  if (share >= 0.99) return "fair";
  return share >= 0.9 ? "poor" : "bad";
}
