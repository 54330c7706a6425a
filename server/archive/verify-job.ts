import type { Day } from "../segment.ts";
import type { Problem } from "./verify.ts";

/** What the verify worker is asked to do. */
export type VerifyJob = { readonly dataDir: string; readonly day: Day };

/** What it says: now and then how far it is, at last what it has found. */
export type VerifyReply =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly problems: readonly Problem[] };
