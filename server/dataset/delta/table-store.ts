/** The files of one table that are small enough for the memory, by paths below the table's folder. A folder on disk, or a prefix in a bucket. */
export type TableStore = {
  /** Names the table for people. */
  readonly name: string;
  /** Reads a file; null if it does not exist. */
  read(path: string): Promise<Uint8Array | null>;
  /** Creates a file, whole or not at all. False if it exists already; it is then unchanged. */
  create(path: string, content: Uint8Array): Promise<boolean>;
  /** Creates a file, or replaces its content at once. */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** Removes a file if it exists. */
  remove(path: string): Promise<void>;
};
