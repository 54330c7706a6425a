/** What one chat has been told of one incident, and what is still to be told; it outlives the process. */
export type NotificationState = {
  /** As the config names it; a group that has become a supergroup since is reached under another id. */
  readonly chat: number;
  readonly incident: number;
  /** Of the incident's message, or of the summary that told it; null while it is still to be sent. */
  messageId: number | null;
  /**
   * "own": a message that is edited. "summary": told together with others. "lost": somebody deleted it, only replies are left.
   * "closed": told to be over; corrected for a while, as refetched trades make the loss smaller.
   */
  form: "own" | "summary" | "lost" | "closed";
  /** Hash of what the message shows now, and since when, µs; empty and 0 before it is sent. */
  shown: string;
  shownUs: number;
  /** When it was first sent, and when it last made a sound, µs; 0 for never. */
  sentUs: number;
  soundUs: number;
  /** How often it was repeated, and the reply that did so last, or that told the end. */
  repeats: number;
  repeatId: number | null;
  /** It has become worse, of which nobody was told yet. */
  isWorse: boolean;
};

/** Keeps what is to be told from one run to the next. Its methods throw where SQLite cannot. */
export type NotificationStore = {
  /** Oldest incident first. */
  all(): readonly NotificationState[];
  save(row: NotificationState): void;
  remove(row: Pick<NotificationState, "chat" | "incident">): void;
  /** A word kept under a name, or null. */
  note(name: string): string | null;
  setNote(name: string, value: string): void;
};
