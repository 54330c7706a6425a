import type { GapCause } from "../domain/gap.ts";
import type { StreamName } from "../domain/stream.ts";

/** A line to another process of the same machine; messages arrive whole and in order. */
export type Channel = {
  send(message: FromParent | FromChild): void;
  /** One listener each; what arrived before is kept for it. `onClose`: the other process is gone or has let go. */
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
};

/** The version of what is spoken here; processes of different ones do not understand each other. */
export const upgradeProtocol = 1;

/** How many numbers tell of one record. */
export const numbersOfNote = 6;

/** What the newest records of a stream were, as the feed knows it. */
export type StreamTrail = {
  readonly stream: StreamName;
  readonly ids: readonly number[];
  readonly marks: readonly number[];
  readonly holes: readonly {
    readonly fromId: number;
    readonly toId: number;
    readonly fromUs: number;
    readonly toUs: number;
  }[];
  readonly lastUs: number;
};

/** A gap that is over, or not (`toUs` null). */
export type StreamGap = {
  readonly stream: StreamName;
  readonly fromUs: number;
  readonly toUs: number | null;
  readonly cause: GapCause;
  readonly alone: boolean;
  readonly provable: boolean;
};

/** The running recorder to the one that takes over, in this order. */
export type FromParent =
  /** Where it records, so that the new one can say that its config means another folder. */
  | { readonly type: "begin"; readonly version: string; readonly dataDir: string }
  /** How far its streams are. */
  | { readonly type: "trails"; readonly trails: readonly StreamTrail[] }
  | { readonly type: "begun"; readonly streams: number }
  /** Records that were taken since, each as the place of its stream among the trails, first id, id, mark, receipt, 1 for a new numbering. */
  | { readonly type: "notes"; readonly batch: number; readonly notes: readonly number[] }
  /** It receives no more, and has told of everything. */
  | {
      readonly type: "stopped";
      readonly atUs: number;
      readonly gaps: readonly StreamGap[];
      readonly clockOffsetMs: number | null;
    }
  /** All is on disk; folder, catalogue and port are free. */
  | { readonly type: "released" };

/** The new process to the running recorder. */
export type FromChild =
  | { readonly type: "hello"; readonly protocol: number; readonly version: string }
  | { readonly type: "seen"; readonly batch: number }
  /** It receives all that the old one does. */
  | { readonly type: "ready"; readonly streams: number }
  /** It records; `listeningMs` is when its page could be reached, Unix ms, `held` how many records it had waiting. */
  | { readonly type: "recording"; readonly listeningMs: number; readonly held: number; readonly version: string }
  /** It cannot take over, and ends. */
  | { readonly type: "failed"; readonly reason: string };

/** A message of one of these types, or null. What is in it is our own program's and trusted. */
export function messageOfType<M extends FromParent | FromChild>(
  message: unknown,
  types: readonly M["type"][],
): M | null {
  if (typeof message !== "object" || message === null || !("type" in message)) return null;
  return (types as readonly unknown[]).includes(message.type) ? (message as M) : null;
}
