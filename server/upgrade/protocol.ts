import type { GapCause } from "../domain/gap.ts";
import type { StreamName } from "../domain/stream.ts";

/** A channel to another process on the same machine. Messages arrive complete and in order. */
export type Channel = {
  send(message: FromParent | FromChild): void;
  /** Each takes a single listener. Earlier messages are kept for it. `onClose`: the other process has ended or disconnected. */
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
};

/** The version of the protocol. Processes with different versions cannot upgrade. */
export const upgradeProtocol = 1;

/** Length of a record notice, in numbers. */
export const numbersOfNote = 6;

/** The position of a stream: its newest ids, content marks and missing ids. `lastUs`: newest receipt, µs; 0 without record. */
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

/** A gap of the parent; `toUs` is null while it is open. */
export type StreamGap = {
  readonly stream: StreamName;
  readonly fromUs: number;
  readonly toUs: number | null;
  readonly cause: GapCause;
  readonly alone: boolean;
  readonly provable: boolean;
};

/*
 * The messages of an upgrade, in order:
 *
 *   parent                         child
 *                               ←  hello       protocol and version
 *   begin, trails …, begun      →              data folder; position of each stream
 *   notes …                     ⇄  seen …      records since then, each batch confirmed
 *                               ←  ready       receives everything that the parent receives
 *   stopped                     →              parent receives no more; open gaps
 *   released                    →              folder, catalogue and port are free
 *                               ←  recording   the upgrade is done; the parent ends
 *
 * The child may send `failed` at any time.
 */

/** Messages of the parent, in this order. */
export type FromParent =
  /** The parent's data folder, so that the child can refuse if its config names another folder. */
  | { readonly type: "begin"; readonly version: string; readonly dataDir: string }
  /** The positions of some streams. */
  | { readonly type: "trails"; readonly trails: readonly StreamTrail[] }
  | { readonly type: "begun"; readonly streams: number }
  /** New records, six numbers each: index of the stream among the trails, first id, id, mark, receipt in µs, 1 for a new numbering. */
  | { readonly type: "notes"; readonly batch: number; readonly notes: readonly number[] }
  /** The parent receives no more and has reported all records. */
  | {
      readonly type: "stopped";
      readonly atUs: number;
      readonly gaps: readonly StreamGap[];
      readonly clockOffsetMs: number | null;
    }
  /** All records are on disk; folder, catalogue and port are free. */
  | { readonly type: "released" };

/** Messages of the child. */
export type FromChild =
  | { readonly type: "hello"; readonly protocol: number; readonly version: string }
  | { readonly type: "seen"; readonly batch: number }
  /** The child receives everything that the parent receives. */
  | { readonly type: "ready"; readonly streams: number }
  /** The child records. `listeningMs`: when its page became reachable, Unix ms. `held`: number of records it had held. */
  | { readonly type: "recording"; readonly listeningMs: number; readonly held: number; readonly version: string }
  /** The child cannot take over and ends. */
  | { readonly type: "failed"; readonly reason: string };

/** Returns the message if its type is in `types`, else null. Its content comes from our own program and is trusted. */
export function messageOfType<M extends FromParent | FromChild>(
  message: unknown,
  types: readonly M["type"][],
): M | null {
  if (typeof message !== "object" || message === null || !("type" in message)) return null;
  return (types as readonly unknown[]).includes(message.type) ? (message as M) : null;
}
