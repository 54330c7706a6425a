import type { NotificationState, NotificationStore } from "../../domain/notification-state.ts";

/** Ids of channels begin here. Telegram's ids have fewer than 52 bits. */
const firstId = 2 ** 52;

/** Returns the id of a channel in the store of notifications: the same for the same address, also after a restart. */
export function channelId(url: string): number {
  return firstId + Number(Bun.hash(url) % BigInt(2 ** 48));
}

/** The part of the store that belongs to Telegram: rows of channels stay out of sight. */
export function telegramStore(store: NotificationStore): NotificationStore {
  return { ...partOf(store, ({ chat }) => chat < firstId), readValue: store.readValue, saveValue: store.saveValue };
}

/** The part of the store that belongs to a channel, its values included. */
export function channelStore(store: NotificationStore, id: number): NotificationStore {
  const name = (key: string) => `channel ${id}: ${key}`;
  return {
    ...partOf(store, ({ chat }) => chat === id),
    readValue: (key) => store.readValue(name(key)),
    saveValue: (key, value) => store.saveValue(name(key), value),
  };
}

/** Removes the rows of channels that are no longer configured. */
export function forgetChannels(store: NotificationStore, ids: readonly number[]): void {
  for (const row of store.all()) if (row.chat >= firstId && !ids.includes(row.chat)) store.remove(row);
}

function partOf(store: NotificationStore, isOwn: (row: NotificationState) => boolean) {
  return { all: () => store.all().filter(isOwn), save: store.save, remove: store.remove };
}
