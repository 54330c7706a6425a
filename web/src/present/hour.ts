import { signal } from "@preact/signals";
import type { SeriesView } from "../../../server/domain/queries.ts";

/** The last hour of every figure as the recorder last told it; null while it is not known. */
export const hour = signal<SeriesView | null>(null);
