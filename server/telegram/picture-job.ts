import type { Chart } from "./chart-picture.ts";
import type { DayPicture } from "./day-picture.ts";

/** What the worker is to draw; the points of a chart it reads itself, from the files of this stream. */
export type PictureJob =
  | { readonly kind: "chart"; readonly dataDir: string; readonly stream: string; readonly chart: Omit<Chart, "points"> }
  | { readonly kind: "day"; readonly day: DayPicture };

/** What it answers: a PNG, or why there is none. */
export type PictureReply =
  | { readonly kind: "done"; readonly png: Uint8Array }
  | { readonly kind: "failed"; readonly reason: string };
