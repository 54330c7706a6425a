import type { Frame } from "../delivery.ts";

/** A fault at work: what it wants to be asked, see FaultHooks. Everything may be left out. */
export type Effect = {
  pass?(connection: number, frames: readonly Frame[]): readonly Frame[];
  mutes?(connection: number): boolean;
  opened?(connection: number): void;
  closed?(connection: number): void;
  connect?(connection: number): Response | null | Promise<Response | null>;
  rest?(url: URL): Response | null;
  clockOffsetMs?: number;
  /** Undoes what can be undone. */
  end?(): void;
};
