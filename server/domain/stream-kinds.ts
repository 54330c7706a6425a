import { eventTimeMember, type Numbering, type StreamKindFacts } from "./stream-kind-facts.ts";
import { kindTable } from "./stream-kind-table.ts";

/**
 * Kind of data of a stream, named as by Binance. `depthSnapshot` is the REST book and `exchangeInfo` the symbol's facts; both are recorded
 * as streams of their own.
 */
export type StreamKind = keyof typeof kindTable;

/** The kinds that a socket can subscribe to. */
export type SubscribedKind = {
  [K in StreamKind]: (typeof kindTable)[K]["source"] extends "socket" ? K : never;
}[StreamKind];

/** The facts of each kind. */
export const streamKinds: Readonly<Record<StreamKind, StreamKindFacts>> = kindTable;

/** All kinds, in the order of the table. */
export const streamKindNames = Object.keys(kindTable) as readonly StreamKind[];

/** True if payloads carry the exchange's event time. */
export function hasEventTime(kind: StreamKind): boolean {
  return streamKinds[kind].members.some(({ name }) => name === eventTimeMember);
}

/** Tests whether the ids are contiguous, so that missing ids can be found. */
export function isContiguous(kind: StreamKind): boolean {
  return isNumbered(kind) || streamKinds[kind].numbering === "ranges";
}

/** True if every record has an id of its own, without a break: missing records can be counted, and asked for over REST. */
export function isNumbered(kind: StreamKind): boolean {
  return streamKinds[kind].numbering === "each";
}

/** Names of the member with the record's id: as sent by a socket, and as sent over REST if that differs. Empty without ids. */
export function idMembers(kind: StreamKind): readonly string[] {
  const { id } = streamKinds[kind];
  return id === null ? [] : [...new Set([id, restName(kind, id)])];
}

/** The name of a member in a record that was fetched over REST. */
export function restName(kind: StreamKind, name: string): string {
  return streamKinds[kind].members.find((member) => member.name === name)?.rest ?? name;
}

/** The ids of a payload, by member, with the numbering they belong to. */
export function countedMembers(kind: StreamKind): ReadonlyMap<string, Numbering> {
  return new Map(
    streamKinds[kind].members.flatMap(({ name, counts }) => (counts === null ? [] : [[name, counts] as const])),
  );
}

/** Names of the members that hold times, ms or µs since the Unix epoch. */
export function timeMembers(kind: StreamKind): readonly string[] {
  return streamKinds[kind].members.filter(({ form }) => form === "time").map(({ name }) => name);
}

/** True if payloads hold lists of levels. */
export function hasLevels(kind: StreamKind): boolean {
  return streamKinds[kind].members.some(({ form }) => form === "bids" || form === "asks");
}

/** A value for each kind. */
export function byKind<T>(create: (kind: StreamKind) => T): Readonly<Record<StreamKind, T>> {
  return Object.fromEntries(streamKindNames.map((kind) => [kind, create(kind)])) as Record<StreamKind, T>;
}

/** The folders of kinds of which this holds. */
export function foldersOf(isWanted: (kind: StreamKind) => boolean): readonly string[] {
  return streamKindNames.filter(isWanted).flatMap((kind) => streamKinds[kind].types.map(({ folder }) => folder));
}
