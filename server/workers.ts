/**
 * Starts the worker threads that compress, verify, export and draw. A compiled executable finds a worker only from a file directly in `server/`,
 * and only if the worker is an entry point of the build.
 */

/** Starts the worker that seals segments. */
export function startSealWorker(): Worker {
  return new Worker(new URL("./archive/seal/seal.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that merges days. */
export function startDayWorker(): Worker {
  return new Worker(new URL("./archive/merge/day.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that verifies one archive. */
export function startVerifyWorker(): Worker {
  return new Worker(new URL("./archive/verify/verify.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that draws one picture. */
export function startPictureWorker(): Worker {
  return new Worker(new URL("./telegram/pictures/picture.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that writes the dataset. */
export function startDatasetWorker(): Worker {
  return new Worker(new URL("./app/dataset/dataset.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that compares days with Binance's files. */
export function startOfficialWorker(): Worker {
  return new Worker(new URL("./app/official/official.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts a worker that exports days. */
export function startExportWorker(): Worker {
  return new Worker(new URL("./cli/export/export.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that reads minutes for the raw data API. */
export function startTardisWorker(): Worker {
  return new Worker(new URL("./app/tardis/tardis.worker.ts", import.meta.url).href, { smol: true });
}

/** Starts the worker that answers which book a symbol had at an instant. */
export function startBookWorker(): Worker {
  return new Worker(new URL("./app/data/book.worker.ts", import.meta.url).href, { smol: true });
}
