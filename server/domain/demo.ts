/** What a demo says about itself, for the strip on the page. */
export type DemoState = {
  /** The data folder as the user would type it. */
  readonly data_dir: string;
  /** While the connection is cut: when it comes back, µs; else null. */
  readonly cut_until_us: number | null;
  /** When the script cuts the connection, µs; null if it does not, or has done so. */
  readonly next_cut_us: number | null;
  /** Share of the invented past that is there, 0 to 1. */
  readonly past: number;
  /** What to try next. `command` is to be copied into a terminal. */
  readonly next: readonly { readonly what: DemoStep; readonly command: string }[];
};

/** `list`: list the recorded data. `verify`: check it. `query`: read it with DuckDB. `record`: record the real market. */
export type DemoStep = "list" | "verify" | "query" | "record";

/** The demo's controls. */
export type DemoControl = {
  state(): DemoState;
  /** Cuts the connection to the simulated exchange for some seconds. Does nothing while it is cut. */
  cut(): DemoState;
};
