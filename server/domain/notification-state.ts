/** Messages of one incident in one chat: sent and still to be sent. Survives a restart. */
export type NotificationState = {
  /** Chat id from the config. A group that became a supergroup is reached under another id. */
  readonly chat: number;
  readonly incident: number;
  /** Id of the incident's message or of the summary that included it; null before it is sent. */
  messageId: number | null;
  /**
   * - "own": a message of its own, which is edited on changes.
   * - "summary": part of a summary.
   * - "lost": the message was deleted, so only replies are possible.
   * - "closed": its end was reported. It is still corrected for a while, because backfilled trades reduce the loss.
   */
  form: "own" | "summary" | "lost" | "closed";
  /** Hash of the displayed message, and since when, µs; empty and 0 before it is sent. */
  shown: string;
  shownUs: number;
  /** When it was first sent, and when it last made a sound, µs; 0 if never. */
  sentUs: number;
  soundUs: number;
  /** Number of reminders, and the message id of the latest reminder or of the reply that reported the end. */
  repeats: number;
  repeatId: number | null;
  /** The incident became worse and the chat does not know yet. */
  isWorse: boolean;
};

/** Stores notification states across runs. Its methods throw if SQLite fails. */
export type NotificationStore = {
  /** Returns all states, oldest incident first. */
  all(): readonly NotificationState[];
  save(row: NotificationState): void;
  remove(row: Pick<NotificationState, "chat" | "incident">): void;
  /** Returns the text stored under a name, or null. */
  readValue(name: string): string | null;
  saveValue(name: string, value: string): void;
};
